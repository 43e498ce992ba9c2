"""The web app as one ASGI application on one port: sign-in, the API, and Streamlit beside them behind the same gate.

Roles: `all`, `api` (no dashboards) and `dashboards` (no /api/v1), so that one image can run them apart.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from ims.failure import Failure

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ims.postgres import Databases

Role = Literal["all", "api", "dashboards"]
GRACE_SECONDS = 5


class CannotServe(Failure):
    """The web app cannot start; the message is one paragraph for a person."""


def create_web(role: Role = "all", databases: Databases | None = None) -> FastAPI:
    """The ASGI application of a role, on the databases of this installation."""
    from api.app import create_app
    from api.database import open_databases

    if role not in get_args(Role):
        raise CannotServe(f"There is no role {role!r}: use one of {', '.join(get_args(Role))}.")
    databases = databases or open_databases()
    if role == "api":
        return create_app(databases)
    dashboards = _dashboards(databases)
    app = create_app(databases, serves_api=role == "all", lifespan=dashboards.lifespan())
    app.mount("/", dashboards, name="dashboards")
    return app


def serve(role: Role = "all", host: str | None = None, port: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM; raises CannotServe when the port cannot be had."""
    import uvicorn

    from api.services.logs import configure_logs
    from ims.settings import get_settings

    settings = get_settings()
    listener = listen(host or settings.host, settings.port if port is None else port)
    app = create_web(role)
    configure_logs()
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_SECONDS, server_header=False
    )
    with listener:
        uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int, option: str = "--port or IMS_PORT") -> socket.socket:
    """A socket that listens there; raises CannotServe, which names `option`, when the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise CannotServe(
                f"Port {port} on {host} is taken by another program (perhaps by IMS itself, already running). "
                f"Stop that program (`ims stop` ends an earlier IMS), or choose another port with {option}."
            ) from None
        raise CannotServe(f"IMS cannot listen on {host}, port {port}: {error}. Check --host and --port.") from None
    return listener


def _dashboards(databases: Databases) -> Any:
    import streamlit

    import dashboards
    from dashboards.messages import say_failed

    # beside the script lies .streamlit/config.toml: the theme, no telemetry, no developer's toolbar
    script = Path(dashboards.__file__).parent / "entry.py"
    return streamlit.App(script, secrets={"databases": asdict(databases)}, on_script_error=say_failed)
