"""TLS of a process itself, for what asks it inside: the door, the dashboards, Prometheus. Its certificate is read anew.

With it the port speaks nothing else, so nobody falls back to what others can read. Who comes with a certificate of the
parts' authority is known by its name; who comes with none is a stranger, as most are.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ims.failure import WrongInput

if TYPE_CHECKING:
    from asyncio import BaseTransport

    from uvicorn import Config

    from ims.settings import Settings

logger = logging.getLogger("ims.web")
RENEW_SECONDS = 3600.0  # certificates of a day are renewed hours before their end


def tls_of(settings: Settings) -> dict[str, Any]:
    """What uvicorn is told: nothing without a certificate. Raises WrongInput for one that cannot be used."""
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    if settings.metrics_names and (certificate is None or settings.tls_authority_file is None):
        raise WrongInput("IMS_METRICS_NAMES needs IMS_TLS_CERTIFICATE_FILE and IMS_TLS_AUTHORITY_FILE.")
    if certificate is None and key is None:
        return {}
    if certificate is None or key is None:
        raise WrongInput("IMS_TLS_CERTIFICATE_FILE and IMS_TLS_KEY_FILE are given together, or neither is.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        raise WrongInput(
            f"IMS_TLS_CERTIFICATE_FILE {certificate} with IMS_TLS_KEY_FILE {key} cannot be used: {error}."
        ) from None
    told = {"ssl_certfile": certificate, "ssl_keyfile": key, "ssl_context_factory": _make_context}
    if settings.metrics_names:
        trusted(settings)  # a file that cannot be used is named
        told |= {"ssl_ca_certs": str(settings.tls_authority_file), "ssl_cert_reqs": ssl.CERT_OPTIONAL}
    return told


def name_of_peer(transport: BaseTransport) -> str | None:
    """The name in the certificate that the other side of a connection proved; None without one."""
    proved = transport.get_extra_info("ssl_object")
    certificate = proved.getpeercert() if proved is not None else None
    names = dict(pair for part in (certificate or {}).get("subject", ()) for pair in part)
    return names.get("commonName")


def trusted(settings: Settings) -> ssl.SSLContext:
    """Whom a part of IMS believes that it asks: the authority that is named and no other, else those of the machine."""
    authority = settings.tls_authority_file
    try:
        return ssl.create_default_context(cafile=None if authority is None else str(authority))
    except OSError as error:
        raise WrongInput(f"IMS_TLS_AUTHORITY_FILE {authority} cannot be used: {error}.") from None


def _make_context(config: Config, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """The context of a process, which takes a certificate that was renewed without a new start."""
    context = make()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    certificate, key = config.ssl_certfile, config.ssl_keyfile
    assert certificate is not None

    def renew() -> None:
        while True:
            pause.wait(RENEW_SECONDS)
            try:
                # half of a pair, as while it is written, would leave the context with neither
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
                context.load_cert_chain(certificate, key)
            except OSError:
                logger.exception("the certificate cannot be read; the one of before serves on")

    pause = threading.Event()
    threading.Thread(target=renew, daemon=True, name="renew-certificate").start()
    return context
