"""The proxy's file at work: a real nginx with it, in front of a real API and real dashboards."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from api.routes.tls import trusted
from ims.settings import Settings
from tests.identities import make_identities

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(240)]
FILE = Path(__file__).parents[2] / "deploy" / "proxy" / "ims.conf"
COMPOSE = FILE.parents[1] / "compose"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") or "nginx"
# what the image of nginx brings along around our file
AROUND = """
daemon off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    include {folder}/ims.conf;
}}
"""


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def started(*command: str | Path, port: int, **environment: str) -> Iterator[None]:
    """A program until the end of the block, from the moment it listens."""
    with subprocess.Popen([str(word) for word in command], env={**os.environ, **environment}) as process:
        try:
            end = time.monotonic() + 90
            while True:
                assert process.poll() is None, f"{command} has ended"
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert time.monotonic() < end, f"{command} does not listen"
                    time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(60)


@dataclass(frozen=True)
class Street:
    """Ports of the proxy (https, http) and of the API, and what compose's own scripts made: secrets, identities."""

    secure: int
    plain: int
    api: int
    folder: Path

    def secret(self, name: str) -> Path:
        return self.folder / "secrets" / name

    def identity(self, part: str, name: str) -> Path:
        return self.folder / "identities" / part / name

    def context(self, part: str | None = None) -> ssl.SSLContext:
        """Of a client inside, with the certificate of a part or with none."""
        context = ssl.create_default_context(cafile=str(self.identity("door", "ca.crt")))
        if part is not None:
            context.load_cert_chain(self.identity(part, "tls.crt"), self.identity(part, "tls.key"))
        return context

    def told(self, part: str) -> dict[str, str]:
        """What compose tells a part of itself and of the others."""
        files = {"CERTIFICATE": "tls.crt", "KEY": "tls.key", "AUTHORITY": "ca.crt"}
        told = {f"IMS_TLS_{name}_FILE": str(self.identity(part, file)) for name, file in files.items()}
        return {**told, "IMS_METRICS_NAMES": "prometheus"}


def write_proxy(street: Street, dashboards: int, port: int, authority: Path) -> Path:
    """The proxy's file with our ports and secrets; a folder of its own."""
    folder = street.folder / f"proxy-{port}"
    folder.mkdir()
    text = FILE.read_text()
    for name, value in {
        "server api:8000": f"server 127.0.0.1:{street.api}",
        "server dashboards:8000": f"server 127.0.0.1:{dashboards}",
        "listen 8443 ssl;\n    http2 on;": f"listen 127.0.0.1:{port} ssl http2;",  # as nginx before 1.25 says it
        "listen 8080": f"listen 127.0.0.1:{street.plain}" if port == street.secure else f"listen unix:{folder}/plain",
        "/run/identity/ca.crt": str(authority),
        "/run/secrets/tls_certificate": str(street.secret("tls_certificate")),
        "/run/secrets/tls_key": str(street.secret("tls_key")),
    }.items():
        assert name in text
        text = text.replace(name, value)
    (folder / "ims.conf").write_text(text)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
    return folder


@pytest.fixture
def street(installation, make_user, tmp_path: Path) -> Iterator[Street]:
    """The proxy, the API and the dashboards at work; one user, ada."""
    make_user(installation.databases.operational, "ada", roles=("admin",))
    api, dashboards, secure, plain = free_ports(4)
    (tmp_path / "secrets.sh").write_text((COMPOSE / "secrets.sh").read_text())
    subprocess.run(["sh", tmp_path / "secrets.sh"], check=True, capture_output=True)
    make_identities(tmp_path / "identities")
    found = Street(secure, plain, api, tmp_path)
    ims = (sys.executable, "-m", "ims.cli", "serve", "--role")
    folder = write_proxy(found, dashboards, secure, found.identity("door", "ca.crt"))
    with (
        started(*ims, "api", "--workers", "2", "--port", str(api), port=api, **found.told("api")),
        started(*ims, "dashboards", "--port", str(dashboards), port=dashboards, **found.told("dashboards")),
        started(NGINX, "-p", folder, "-c", folder / "nginx.conf", port=secure),
    ):
        for port in (api, dashboards):
            await_part(found, port)
        yield found


def await_part(street: Street, port: int) -> None:
    """A part listens before it answers."""
    end = time.monotonic() + 90
    while True:
        try:
            httpx.get(f"https://localhost:{port}/health", verify=street.context()).raise_for_status()
            return
        except httpx.TransportError:
            assert time.monotonic() < end, "a part does not answer"
            time.sleep(0.1)


@pytest.fixture
def door(street: Street) -> tuple[int, int]:
    """The ports of the proxy, https and http."""
    return street.secure, street.plain


def test_one_door_leads_to_both_parts_over_tls_alone(installation, door) -> None:
    secure, plain = door
    base = f"https://localhost:{secure}"
    with httpx.Client(base_url=base, verify=False, timeout=30) as client:
        away = client.get(f"http://127.0.0.1:{plain}/sales?store=S01", headers={"host": "ims.example.com"})
        assert (away.status_code, away.headers["location"]) == (308, "https://ims.example.com/sales?store=S01")
        assert client.get(f"http://127.0.0.1:{plain}/api/v1/stores").status_code == 403

        refused = client.get("/api/v1/stores")
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
        assert "max-age" in refused.headers["strict-transport-security"]
        assert [client.get(path).status_code for path in ("/metrics", "/ready", "/health")] == [404] * 3

        page = client.get("/sign-in")
        assert "<form" in page.text
        assert "nginx/" not in page.headers["server"]

        form = dict(re.findall(r'name="([^"]+)"[^>]*value="([^"]*)"', page.text))
        wrong = {**form, "username": "ada", "password": secrets.token_hex()}
        answer = client.post("/sign-in", data=wrong, headers={"origin": base, "x-forwarded-for": "198.51.100.7"})
        assert answer.status_code == 401, answer.text
        # a page is a websocket: the upgrade goes through, and the gate stands behind it
        upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
        upgrade["sec-websocket-key"] = "AAAAAAAAAAAAAAAAAAAAAA=="
        assert client.get("/_stcore/stream", headers=upgrade).status_code in {401, 403}
    with psycopg.connect(installation.databases.operational) as connection:
        seen = connection.execute("SELECT host(address) FROM audit_log WHERE kind = 'session.refused'").fetchall()
    assert seen == [("127.0.0.1",)], "whom the proxy saw, not whom the client named"


def test_only_the_newest_tls_is_spoken(door) -> None:
    secure, _ = door
    for version, is_spoken in ((ssl.TLSVersion.TLSv1_2, False), (ssl.TLSVersion.TLSv1_3, True)):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        with socket.create_connection(("127.0.0.1", secure)) as connection:
            try:
                with context.wrap_socket(connection) as spoken:
                    assert spoken.version() == "TLSv1.3"
                    assert is_spoken
            except ssl.SSLError:
                assert not is_spoken


def test_the_parts_speak_tls_to_whoever_proves_them_and_nothing_else(street: Street) -> None:
    base = f"https://localhost:{street.api}"
    trusting = trusted(Settings(tls_authority_file=street.identity("dashboards", "ca.crt"), _env_file=None))
    assert httpx.get(f"{base}/health", verify=trusting).status_code == 200, "as the dashboards ask"
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{base}/health", verify=ssl.create_default_context(cafile=str(street.secret("tls_certificate"))))
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://localhost:{street.api}/health")
    older = street.context()
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base}/health", verify=older)
    # the same proxy, told to believe another certificate, sends nobody on to a part that has not got it
    (port,) = free_ports(1)
    folder = write_proxy(street, street.api, port, street.secret("tls_certificate"))
    with started(NGINX, "-p", folder, "-c", folder / "nginx.conf", port=port):
        assert httpx.get(f"https://localhost:{port}/api/v1/stores", verify=False).status_code == 502
    assert httpx.get(f"https://localhost:{street.secure}/api/v1/stores", verify=False).status_code == 401


def test_figures_are_shown_to_who_is_certified_as_prometheus(street: Street) -> None:
    base = f"https://localhost:{street.api}"
    asked = {
        part: httpx.get(f"{base}/metrics", verify=street.context(part)) for part in (None, "dagster", "prometheus")
    }
    assert {part: answer.status_code for part, answer in asked.items()} == {
        None: 401,
        "dagster": 401,
        "prometheus": 200,
    }
    assert asked["dagster"].json()["type"] == "urn:ims:problem:metrics-token-required"
    assert "ims_database_up 1.0" in asked["prometheus"].text
    # who claims the name by another authority's word does not come in at all
    make_identities(street.folder / "elsewhere")
    claiming = street.context()
    theirs = street.folder / "elsewhere" / "prometheus"
    claiming.load_cert_chain(theirs / "tls.crt", theirs / "tls.key")
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{base}/metrics", verify=claiming)


def test_smoke_looks_from_inside_and_from_outside(street: Street, tmp_path: Path) -> None:
    def smoke(port: int, *words: str | Path, authority: Path) -> tuple[int, str]:
        command = [sys.executable, "-m", "ims.cli", "smoke", f"https://localhost:{port}", *words]
        environment = {**os.environ, "IMS_TLS_AUTHORITY_FILE": str(authority)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        return done.returncode, done.stdout

    code, said = smoke(street.secure, authority=street.secret("tls_certificate"))
    assert code == 0, said
    assert "kept inside by the door" in said
    inside = street.identity("api", "ca.crt")
    certificate, key = (street.identity("prometheus", f"tls.{end}") for end in ("crt", "key"))
    _, said = smoke(street.api, "--certificate", certificate, "--key", key, authority=inside)
    assert re.search(r"^well +database", said, re.MULTILINE), said
    _, said = smoke(street.api, authority=inside)
    assert re.search(r"^NOT WELL +metrics", said, re.MULTILINE), said
