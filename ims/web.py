"""The web app as one ASGI application on one port: sign-in, the API, and Streamlit beside them behind the same gate.

Roles: `all`, `api` (no dashboards) and `dashboards` (no /api/v1), so that one image can run them apart. Role `api` may
run as several processes on one port.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import asdict
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from ims.failure import Failure, WrongInput
from ims.settings import Settings, get_settings

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from api.app import Lifespan
    from api.identity.principal import Origin, SignedIn
    from ims.postgres import Databases

Role = Literal["all", "api", "dashboards"]
BACKLOG = 4096
MOST_FILES = 65_536
LISTENERS = 2  # connections of each process beside its pool: one hears of sessions, one of messages
RESERVED_CONNECTIONS = 20  # of the server's, for runs, the dashboards' reads and people


class CannotServe(Failure):
    """The web app cannot start; the message is one paragraph for a person."""


def create_web(role: Role = "all", databases: Databases | None = None, api: str = "") -> FastAPI:
    """The ASGI application of a role, on the databases of this installation; `api` is where its API is asked."""
    from api.app import create_app
    from api.database import open_databases
    from api.routes.packed import PackedAssets

    if role not in get_args(Role):
        raise CannotServe(f"There is no role {role!r}: use one of {', '.join(get_args(Role))}.")
    databases = databases or open_databases()
    if role == "api":
        return _with_models(create_app(databases, lifespan=_mails(databases)), databases)
    dashboards = _dashboards(databases, api)
    parts = [dashboards.lifespan(), _copies(databases)]
    serves_api = role == "all"
    if serves_api:
        parts.insert(0, _mails(databases))
    app = create_app(databases, serves_api=serves_api, lifespan=_together(*parts))
    app.mount("/", PackedAssets(dashboards), name="dashboards")
    return _with_models(app, databases)


def _together(*parts: Lifespan) -> Lifespan:
    """What runs as long as the web app does, each begun after the one before it."""

    @asynccontextmanager
    async def run(app: Any) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for part in parts:
                await stack.enter_async_context(part(app))
            yield

    return run


def _mails(databases: Databases) -> Lifespan:
    """What makes figures by mail."""
    from pipelines.reports.worker import mailing

    return lambda _: mailing(databases, get_settings())


def _copies(databases: Databases) -> Lifespan:
    """A copy of what is published beside the dashboards, unless the settings forbid it."""
    from dashboards.copies import copying

    def ask_ahead(ended: threading.Event) -> None:
        from dashboards.ahead import ask_ahead

        ask_ahead(ended)

    return lambda _: copying(databases, get_settings(), ask_ahead) if get_settings().copies_published else nullcontext()


def _with_models(app: FastAPI, databases: Databases) -> FastAPI:
    """The application with what the API itself may not import: loaded with the first request that asks for it."""

    def explain(row: Mapping[str, Any], currency: str, sees_cost: bool) -> Any:
        from models.explanation.explain import explain_suggestion

        return explain_suggestion(row, currency, sees_cost)

    def take_list(
        kind: str, form: str, store: str | None, is_whole: bool, user: SignedIn, origin: Origin
    ) -> tuple[bytes, str, dict[str, Any]]:
        from pipelines.handouts.answering import answer_list
        from pipelines.handouts.taking import Wanted

        return answer_list(databases, get_settings(), Wanted(kind, form, store, is_whole), user, origin)

    app.state.explain = explain
    app.state.take_list = take_list
    return app


def serve(role: Role = "all", host: str | None = None, port: int | None = None, workers: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM, and then until what was begun is answered; raises CannotServe."""
    from api.services.logs import configure_logs

    settings = get_settings()
    workers = settings.workers if workers is None else workers
    check_workers(role, workers)
    if settings.tls_certificate_file is not None and role == "all" and settings.api_url is None:
        raise WrongInput(
            "With IMS_TLS_CERTIFICATE_FILE the dashboards ask the API by a name of the certificate: "
            "say it as IMS_API_URL, as https://localhost:8000."
        )
    listener = listen(host or settings.host, settings.port if port is None else port)
    _allow_many_files()
    with listener:
        if workers > 1:
            configure_logs()
            _supervise(settings, role, workers, listener)
            return
        import uvicorn

        app = create_web(role, api=settings.api_url or (own_address(listener) if role == "all" else ""))
        configure_logs()
        if role != "api":
            from dashboards.beginning import begin

            begin()
        # uvicorn raises the signal again once it is done: an end as asked is no failure
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        uvicorn.Server(_config(settings, app)).run(sockets=[listener])
        wait_for_pages()
        if role != "api":
            from dashboards.reader import let_go

            let_go()


def wait_for_pages(seconds: float = 10.0) -> None:
    """Let each page that is being drawn come to its end: torn down inside of DuckDB, its thread aborts the process.

    Streamlit asks them to stop and does not wait; they look up between two questions.
    """
    until = time.monotonic() + seconds
    for thread in threading.enumerate():
        if thread.name.startswith("ScriptRunner"):
            thread.join(max(0.0, until - time.monotonic()))


def check_workers(role: str, workers: int) -> None:
    """Raises WrongInput for a number of processes that cannot be, before anything is started."""
    if workers < 1:
        raise WrongInput(f"{workers} workers cannot serve: give 1 or more (--workers or IMS_WORKERS).")
    if workers > 1 and role != "api":
        raise WrongInput(
            f"Role {role!r} is one process, for a page of the dashboards lives in the process that made it: "
            "use --role api with several workers, and --role dashboards beside it."
        )


def check_pool(settings: Settings, url: str, workers: int) -> None:
    """Raises CannotServe when PostgreSQL allows fewer connections than the pools of all workers may open."""
    import psycopg

    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_setting('max_connections')::int").fetchone()
    allowed, wanted = (row[0] if row else 0), (settings.pool_size + LISTENERS) * workers
    if wanted + RESERVED_CONNECTIONS > allowed:
        raise CannotServe(
            f"{wanted} connections of {workers} workers (IMS_POOL_SIZE + {LISTENERS} each) and {RESERVED_CONNECTIONS}"
            f" for everything else are more than the {allowed} that PostgreSQL allows (max_connections). "
            "Lower IMS_POOL_SIZE or the number of workers, or raise max_connections."
        )


def create_worker(role: Role) -> FastAPI:
    """The application of one of several processes: its logs, its files, and its end when the supervisor is gone."""
    import multiprocessing

    from api.services.logs import configure_logs

    configure_logs()
    _allow_many_files()
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=follow, daemon=True, name="follow-supervisor").start()
    return create_web(role)


def listen(host: str, port: int, option: str = "--port or IMS_PORT") -> socket.socket:
    """A socket that listens there; raises CannotServe, which names `option`, when the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise CannotServe(
                f"Port {port} on {host} is taken by another program (perhaps by IMS itself, already running). "
                f"Stop that program (`ims stop` ends an earlier IMS), or choose another port with {option}."
            ) from None
        raise CannotServe(f"IMS cannot listen on {host}, port {port}: {error}. Check --host and --port.") from None
    return listener


def own_address(listener: socket.socket) -> str:
    """Where this process asks itself: `http://127.0.0.1:8000`, also when it listens on every address."""
    host, port = listener.getsockname()[:2]
    address = ip_address(host)
    if address.is_unspecified:  # listened on everywhere: asked on this machine
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(settings: Settings, app: Any, **more: Any) -> uvicorn.Config:
    import uvicorn

    from api.routes.tls import tls_of
    from api.routes.wire import BoundedHttp

    return uvicorn.Config(
        app,
        loop="uvloop",
        http=BoundedHttp,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.proxies.split(),
        backlog=BACKLOG,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=settings.stop_timeout_seconds,
        **tls_of(settings),
        **more,
    )


def _supervise(settings: Settings, role: Role, workers: int, listener: socket.socket) -> None:
    """Workers on one socket, each with its own pool; one that dies is replaced. Their figures are files they share."""
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    folder = settings.home / "run" / f"metrics-{listener.getsockname()[1]}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # read by prometheus_client when a worker imports it
    config = _config(settings, partial(create_worker, role), factory=True, workers=workers)
    supervisor = Multiprocess(config, [listener])
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise CannotServe("A worker of the web app could not start; its log above says why.")


def _allow_many_files() -> None:
    """Each connection is an open file, and many systems begin at 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _dashboards(databases: Databases, api: str) -> Any:
    import streamlit

    import dashboards
    from dashboards.messages import say_failed

    # beside the script lies .streamlit/config.toml: the theme, no telemetry, no developer's toolbar
    script = Path(dashboards.__file__).parent / "entry.py"
    return streamlit.App(
        script, secrets={"databases": asdict(databases), "api": {"address": api}}, on_script_error=say_failed
    )
