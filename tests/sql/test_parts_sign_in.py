"""The parts sign in at the database as they are deployed: each by its own certificate of a day, nobody by a password.

Compose's own script certifies, and the server obeys the two files that compose and the self-hosted form mount.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from api.database import open_databases
from ims.settings import Settings
from pipelines.instance import open_instance
from tests.identities import COMPOSE, make_identities
from tests.sql.tls_server import tls_server
from warehouse.lake import connect, current_snapshot

ALLOWED = COMPOSE.parent / "kubernetes" / "components" / "selfhosted"
PASSWORD = "good-for-nothing"  # noqa: S105
PARTS = ("api", "dashboards", "dagster")


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of every part, by compose's script."""
    folder = tmp_path_factory.mktemp("identities")
    make_identities(folder)
    return folder


@pytest.fixture(scope="module")
def port(identities: Path) -> Iterator[int]:
    """Of the server with the files that are deployed."""
    files = {name: identities / "postgres" / name for name in ("tls.crt", "tls.key", "ca.crt")}
    settings = {"ssl_cert_file": "tls.crt", "ssl_key_file": "tls.key", "ssl_ca_file": "ca.crt"}
    allowed, idents = ((ALLOWED / name).read_text() for name in ("pg_hba.conf", "pg_ident.conf"))
    with tls_server(files, allowed, settings, PASSWORD, idents) as port:
        yield port


def url_of(identities: Path, port: int, part: str, **other: str) -> str:
    """Compose's own address, with the server elsewhere: its name is proved all the same."""
    own = identities / part
    words = {"hostaddr": "127.0.0.1", "port": str(port), "sslmode": "verify-full", "sslrootcert": str(own / "ca.crt")}
    words |= {"sslcert": str(own / "tls.crt"), "sslkey": str(own / "tls.key"), **other}
    return "postgresql://ims@postgres/postgres?" + "&".join(f"{name}={value}" for name, value in words.items())


def test_each_part_signs_in_by_its_own_certificate_and_by_a_renewed_one(identities: Path, port: int) -> None:
    for _ in range(2):
        for part in PARTS:
            with psycopg.connect(url_of(identities, port, part)) as connection:
                told = "SELECT current_user, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
                assert connection.execute(told).fetchone() == ("ims", f"/CN={part}")
        make_identities(identities)


def test_all_that_a_part_opens_is_opened_by_it(identities: Path, port: int, tmp_path: Path) -> None:
    url = SecretStr(url_of(identities, port, "dagster"))
    settings = Settings(home=tmp_path, database_url=url, _env_file=None)
    databases = open_databases(settings)
    with connect(databases, settings) as lake, open_instance(settings, databases) as dagster:
        assert current_snapshot(lake) >= 0
        assert dagster.get_runs_count() == 0


@pytest.mark.parametrize(
    ("part", "other", "why"),
    [
        ("prometheus", {}, "certificate authentication failed"),
        ("postgres", {}, "certificate authentication failed"),
        ("api", {"sslcert": "", "sslkey": "", "password": PASSWORD}, "requires a valid client certificate"),
        ("api", {"sslmode": "disable", "password": PASSWORD}, "no encryption"),
    ],
)
def test_nobody_else_signs_in(identities: Path, port: int, part: str, other: dict[str, str], why: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=why):
        psycopg.connect(url_of(identities, port, part, **other))


def test_a_certificate_lasts_a_day_and_only_its_part_reads_the_key(identities: Path) -> None:
    from cryptography import x509

    for part in (*PARTS, "prometheus"):
        certificate = x509.load_pem_x509_certificate((identities / part / "tls.crt").read_bytes())
        lasts = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        assert lasts.total_seconds() <= 86_400
        assert (identities / part / "tls.key").stat().st_mode & 0o777 == 0o640
        assert identities.joinpath(part).stat().st_mode & 0o007 == 0
