"""TLS to the database, by a real server that takes nothing else: every part of IMS proves its certificate and its name.

The embedded server has no TLS; this one is Debian's (`apt-get install postgresql`), of the oldest version supported.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from api.database import open_databases
from ims.postgres import DatabaseUnavailable
from ims.settings import Settings
from pipelines.instance import open_instance
from tests.sql.tls_server import tls_server
from warehouse.lake import LakeUnavailable, connect, current_snapshot

PASSWORD = "not-in-any-error"  # noqa: S105
CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_authority(folder: Path, name: str) -> None:
    openssl(
        folder, "req", "-x509", *CURVE, "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
        f"{name}.crt",
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: the catalog remembers where its lake is."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities, and a certificate of the first for the name `localhost`."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ours", "theirs"):
        make_authority(folder, name)
    openssl(
        folder, "req", "-new", *CURVE, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
        "server.key", "-out", "server.csr",
    )  # fmt: skip
    openssl(
        folder, "x509", "-req", "-in", "server.csr", "-CA", "ours.crt", "-CAkey", "ours.key", "-days", "2",
        "-copy_extensions", "copy", "-out", "server.crt",
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    """The server's port; who comes without TLS or without a password is refused."""
    files = {name: folder / name for name in ("server.key", "server.crt", "ours.crt")}
    allowed = "hostssl all certified 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
    settings = {"ssl_cert_file": "server.crt", "ssl_key_file": "server.key", "ssl_ca_file": "ours.crt"}
    with tls_server(files, allowed, settings, PASSWORD) as port:
        yield port


def settings_for(port: int, home: Path, host: str = "localhost", **options: str) -> Settings:
    asked = "&".join(f"{name}={value}" for name, value in options.items())
    url = f"postgresql://ims:{PASSWORD}@{host}:{port}/ims?{asked}"
    return Settings(home=home, database_url=SecretStr(url), _env_file=None)


def test_every_part_of_ims_talks_by_tls_to_the_server_that_it_proved(port, folder, home):
    settings = settings_for(port, home, sslmode="verify-full", sslrootcert=str(folder / "ours.crt"))
    databases = open_databases(settings)
    with (
        connect(databases, settings) as lake,
        open_instance(settings, databases) as dagster,
        psycopg.connect(databases.operational) as connection,
    ):
        assert current_snapshot(lake) >= 0
        assert dagster.get_runs_count() == 0
        versions = connection.execute(
            "SELECT datname, s.ssl, s.version FROM pg_stat_ssl AS s JOIN pg_stat_activity USING (pid)"
            " WHERE backend_type = 'client backend'"
        ).fetchall()
    assert {name for name, *_ in versions} == {"ims", "ims_lake", "ims_dagster"}
    assert {tuple(rest) for _, *rest in versions} == {(True, "TLSv1.3")}


def test_the_environment_says_it_for_all_of_them(port, folder, home, monkeypatch):
    """As on Kubernetes and AWS, where the address comes from a secret of somebody else's."""
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", str(folder / "theirs.crt"))
    with pytest.raises(DatabaseUnavailable, match="certificate verify failed"):
        open_databases(settings_for(port, home))
    monkeypatch.setenv("PGSSLROOTCERT", str(folder / "ours.crt"))
    settings = settings_for(port, home)
    connect(open_databases(settings), settings).close()


def certify(folder: Path, authority: str) -> None:
    """A certificate that says that who has its key is `certified`, in place of the one before."""
    openssl(folder, "req", "-new", *CURVE, "-subj", "/CN=certified", "-keyout", "client.key", "-out", "client.csr")
    signed = ["-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-days", "1", "-out", "client.crt"]
    openssl(folder, "x509", "-req", "-in", "client.csr", *signed)
    (folder / "client.key").chmod(0o600)


def test_a_certificate_of_a_day_stands_for_the_password_in_every_part(port, folder, home, monkeypatch):
    """And a renewed one is taken up by the next connection, without a new start."""
    proved = settings_for(port, home, sslmode="verify-full", sslrootcert=str(folder / "ours.crt"))
    with psycopg.connect(open_databases(proved).operational, autocommit=True) as connection:
        connection.execute("CREATE ROLE certified LOGIN SUPERUSER")
    for name, value in {
        "MODE": "verify-full",
        "ROOTCERT": "ours.crt",
        "CERT": "client.crt",
        "KEY": "client.key",
    }.items():
        monkeypatch.setenv(f"PGSSL{name}", str(folder / value) if "." in value else value)
    url = f"postgresql://certified@localhost:{port}/ims"
    settings = Settings(home=home, database_url=SecretStr(url), _env_file=None)
    certify(folder, "theirs")
    with pytest.raises(DatabaseUnavailable, match=r"unknown ca|certificate"):
        open_databases(settings)
    for _ in range(2):
        certify(folder, "ours")
        databases = open_databases(settings)
        with connect(databases, settings) as lake, open_instance(settings, databases) as dagster:
            assert current_snapshot(lake) >= 0
            assert dagster.get_runs_count() == 0
            with psycopg.connect(databases.operational) as connection:
                (names,) = connection.execute(
                    "SELECT array_agg(DISTINCT client_dn) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
                    " WHERE usename = 'certified' AND client_dn IS NOT NULL"
                ).fetchone()
    assert names == ["/CN=certified"]


@pytest.mark.parametrize(
    ("host", "options", "reason"),
    [
        ("localhost", {"sslmode": "verify-full", "sslrootcert": "theirs.crt"}, "certificate verify failed"),
        ("127.0.0.1", {"sslmode": "verify-full", "sslrootcert": "ours.crt"}, "does not match host name"),
        ("localhost", {"sslmode": "verify-full", "sslrootcert": "none.crt"}, "none.crt"),
        ("localhost", {"sslmode": "disable"}, "no encryption"),
    ],
)
def test_a_server_that_is_not_proved_is_refused_in_one_paragraph(port, folder, home, host, options, reason):
    if "sslrootcert" in options:
        options = {**options, "sslrootcert": str(folder / options["sslrootcert"])}
    with pytest.raises(DatabaseUnavailable, match=reason) as caught:
        open_databases(settings_for(port, home, host, **options))
    assert "IMS_DATABASE_URL" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_the_lake_refuses_its_catalog_as_well(port, folder, home):
    proved = settings_for(port, home, sslmode="verify-full", sslrootcert=str(folder / "ours.crt"))
    databases = open_databases(proved)
    wrong = databases.lake.replace("ours.crt", "theirs.crt")
    with pytest.raises(LakeUnavailable, match="certificate verify failed") as caught:
        connect(type(databases)(databases.operational, wrong, databases.dagster), proved)
    assert PASSWORD not in str(caught.value)
