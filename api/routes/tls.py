"""TLS of a process itself, for what asks it inside: the door, the dashboards, Prometheus. Its certificate is read anew.

With it the port speaks nothing else, so nobody falls back to what others can read.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ims.failure import WrongInput

if TYPE_CHECKING:
    from uvicorn import Config

    from ims.settings import Settings

logger = logging.getLogger("ims.web")
RENEW_SECONDS = 3600.0  # whoever issues a certificate renews it weeks before its end


def tls_of(settings: Settings) -> dict[str, Any]:
    """What uvicorn is told: nothing without a certificate. Raises WrongInput for one that cannot be used."""
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
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
    return {"ssl_certfile": certificate, "ssl_keyfile": key, "ssl_context_factory": _make_context}


def trusted(settings: Settings) -> ssl.SSLContext | bool:
    """Whom a part of IMS believes that it asks: the authority that is named and no other, else those of the machine."""
    if settings.tls_authority_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(settings.tls_authority_file))
    except OSError as error:
        raise WrongInput(f"IMS_TLS_AUTHORITY_FILE {settings.tls_authority_file} cannot be used: {error}.") from None


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
