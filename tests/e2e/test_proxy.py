"""The proxy's file at work: a real nginx with it, in front of a real API and real dashboards."""

from __future__ import annotations

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
from pathlib import Path

import httpx
import psycopg
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
FILE = Path(__file__).parents[2] / "deploy" / "proxy" / "ims.conf"
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
def started(*command: str | Path, port: int) -> Iterator[None]:
    """A program until the end of the block, from the moment it listens."""
    with subprocess.Popen([str(word) for word in command]) as process:
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


@pytest.fixture
def door(installation, make_user, tmp_path: Path) -> Iterator[tuple[int, int]]:
    """The ports of the proxy, https and http; one user, ada."""
    make_user(installation.databases.operational, "ada", roles=("admin",))
    api, dashboards, secure, plain = free_ports(4)
    text = FILE.read_text()
    for name, value in {
        "server api:8000": f"server 127.0.0.1:{api}",
        "server dashboards:8000": f"server 127.0.0.1:{dashboards}",
        "listen 8443 ssl;\n    http2 on;": f"listen 127.0.0.1:{secure} ssl http2;",  # as nginx before 1.25 says it
        "listen 8080": f"listen 127.0.0.1:{plain}",
        "/run/secrets/tls_certificate": f"{tmp_path}/certificate",
        "/run/secrets/tls_key": f"{tmp_path}/key",
    }.items():
        assert name in text
        text = text.replace(name, value)
    (tmp_path / "ims.conf").write_text(text)
    (tmp_path / "nginx.conf").write_text(AROUND.format(folder=tmp_path))
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-keyout", f"{tmp_path}/key", "-out", f"{tmp_path}/certificate"),
        ],
        check=True,
        capture_output=True,
    )
    ims = (sys.executable, "-m", "ims.cli", "serve", "--role")
    with (
        started(*ims, "api", "--port", str(api), port=api),
        started(*ims, "dashboards", "--port", str(dashboards), port=dashboards),
        started(NGINX, "-p", tmp_path, "-c", tmp_path / "nginx.conf", port=secure),
    ):
        yield secure, plain


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
