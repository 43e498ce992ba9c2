"""The dashboards ask an API that they proved: by the authority that is named, and by nobody else's word."""

from __future__ import annotations

import http.server
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from api.routes import tls
from api.routes.tls import tls_of, trusted
from dashboards.api_client import Declined, ask_api
from ims.failure import WrongInput
from ims.settings import Settings, get_settings


class Empty(http.server.BaseHTTPRequestHandler):
    """Answers everything with a member."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"is_here": true}')

    def log_message(self, *_: object) -> None:
        """Nothing."""


def make(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    words = ["-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    made = ["openssl", "req", "-x509", *curve, *words, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    return certificate, key


class Config:
    """What the factory is told of."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.ssl_certfile, self.ssl_keyfile = certificate, key


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a server with the certificate `ours`, read anew all the time."""
    monkeypatch.setattr(tls, "RENEW_SECONDS", 0.05)
    config = Config(*make(tmp_path, "ours"))

    def load() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(config.ssl_certfile, config.ssl_keyfile)
        return context

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        server.socket = tls._make_context(config, load).wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


@pytest.mark.usefixtures("site")
def test_the_api_is_proved_by_the_authority_that_is_named(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, _ = make(tmp_path, "theirs")
    monkeypatch.setattr(st, "secrets", {"api": {"address": f"https://localhost:{port}"}})
    for authority, is_answered in ((theirs, False), (None, False), (tmp_path / "ours.crt", True)):
        monkeypatch.delenv("IMS_TLS_AUTHORITY_FILE", raising=False)
        if authority is not None:
            monkeypatch.setenv("IMS_TLS_AUTHORITY_FILE", str(authority))
        get_settings.cache_clear()
        st.cache_resource.clear()
        if is_answered:
            assert ask_api("GET", "/stores").body == {"is_here": True}
        else:
            with pytest.raises(Declined, match="no-answer"):
                ask_api("GET", "/stores")


def test_a_certificate_that_was_renewed_is_served_without_a_new_start(port: int, tmp_path: Path) -> None:
    (tmp_path / "ours.key").write_text("half of it is written")  # serves on with the one of before
    time.sleep(0.2)
    assert served(port) == "ours"
    certificate, key = make(tmp_path, "renewed")
    key.replace(tmp_path / "ours.key")
    certificate.replace(tmp_path / "ours.crt")
    for _ in range(100):
        if served(port) == "renewed":
            break
        time.sleep(0.02)
    assert served(port) == "renewed"


def served(port: int) -> str:
    """The name of who signed what is served."""
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(ssl.get_server_certificate(("localhost", port)).encode())
    return str(certificate.subject.rfc4514_string()).removeprefix("CN=")


def test_what_cannot_be_used_is_refused_at_the_start(tmp_path: Path) -> None:
    certificate, key = make(tmp_path, "ours")
    other = make(tmp_path, "theirs")[1]
    assert tls_of(Settings(_env_file=None)) == {}
    for given, why in (
        ({"tls_certificate_file": certificate}, "together"),
        ({"tls_certificate_file": certificate, "tls_key_file": tmp_path / "none"}, "cannot be used"),
        ({"tls_certificate_file": certificate, "tls_key_file": other}, "mismatch"),
    ):
        with pytest.raises(WrongInput, match=f"IMS_TLS_CERTIFICATE_FILE.*{why}"):
            tls_of(Settings(**given, _env_file=None))
    for given in ({}, {"tls_certificate_file": certificate, "tls_key_file": key}, {"tls_authority_file": certificate}):
        with pytest.raises(WrongInput, match="IMS_METRICS_NAMES needs"):
            tls_of(Settings(metrics_names="prometheus", **given, _env_file=None))
    with pytest.raises(WrongInput, match="IMS_TLS_AUTHORITY_FILE"):
        trusted(Settings(tls_authority_file=key, _env_file=None))
