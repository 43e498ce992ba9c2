"""`ims serve`: the web app, and beside it, when asked, the Dagster UI."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ims.postgres import Databases
    from ims.settings import Settings


class Role(StrEnum):
    """Which part of the web app this process serves."""

    all = "all"
    api = "api"
    dashboards = "dashboards"


def serve(
    role: Annotated[Role, typer.Option(help="all, or one part where they run as separate processes.")] = Role.all,
    host: Annotated[str | None, typer.Option(help="Default: IMS_HOST, else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: IMS_PORT, else 8000.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes of role api. Default: IMS_WORKERS, else 1.")] = None,
) -> None:
    """Serve the web app until Ctrl-C.

    API and dashboards share one port and one sign-in.
    """
    from api.database import open_databases
    from ims.settings import get_settings
    from ims.web import check_pool, check_workers

    settings = get_settings()
    workers = settings.workers if workers is None else workers
    check_workers(role.value, workers)
    check_port(host or settings.host, port or settings.port, "--port or IMS_PORT")
    url = open_databases(settings).operational
    check_pool(settings, url, workers)
    announce_admin(url)
    serve_web(settings, role, host or settings.host, port or settings.port, workers)


def serve_web(settings: Settings, role: Role, host: str, port: int, workers: int = 1) -> None:
    """Run the web app in this process, recorded so that `ims stop` ends it."""
    from ims.processes import forget, record
    from ims.web import serve as run_web

    record(settings.home, "web", os.getpid())
    typer.echo(f"Web app:   http://{host}:{port}   (Ctrl-C stops it)")
    try:
        run_web(role.value, host, port, workers)
    finally:
        forget(settings.home, "web")


def announce_admin(url: str) -> None:
    """On the first start, make the admin user and print the password: this once, and nowhere else."""
    from api.identity.users import ensure_admin

    password = ensure_admin(url)
    if password is not None:
        typer.echo(f"First start: sign in as admin with the password {password}\nIt is not shown again; note it now.")


def check_port(host: str, port: int, option: str) -> None:
    """Refuse early, before any work, when the port is taken."""
    from ims.web import listen

    listen(host, port, option).close()


@contextmanager
def dagster_ui(settings: Settings, databases: Databases) -> Iterator[str]:
    """The Dagster UI and its daemon as processes beside this one, ended with it; yields the UI's address."""
    from ims.processes import forget, start
    from pipelines.instance import dagster_home, environment

    dagster_home(settings, databases)
    bin_folder = Path(sys.executable).parent
    module = ["-m", "pipelines.definitions"]
    address = ["-h", settings.host, "-p", str(settings.dagster_port)]
    commands = {
        "dagster-webserver": [str(bin_folder / "dagster-webserver"), *module, *address],
        "dagster-daemon": [str(bin_folder / "dagster-daemon"), "run", *module],
    }
    variables = environment(settings, databases)
    processes = {name: start(settings.home, name, command, variables) for name, command in commands.items()}
    try:
        yield f"http://{settings.host}:{settings.dagster_port}"
    finally:
        for name, process in processes.items():
            process.terminate()
            process.wait(timeout=30)
            forget(settings.home, name)
