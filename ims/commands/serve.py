"""`ims serve`: the web app, or the Dagster UI with the daemon that starts the nightly runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ims.postgres import Databases
    from ims.settings import Settings
    from ims.web import Role as WebRole


LOOK_SECONDS = 1.0


class Role(StrEnum):
    """Which part of IMS this process serves."""

    all = "all"
    api = "api"
    dashboards = "dashboards"
    dagster = "dagster"


def serve(
    role: Annotated[Role, typer.Option(help="all of the web app, one part of it, or Dagster.")] = Role.all,
    host: Annotated[str | None, typer.Option(help="Default: IMS_HOST, else 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Default: IMS_PORT, else 8000; of role dagster IMS_DAGSTER_PORT, else 3000.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes of role api. Default: IMS_WORKERS, else 1.")] = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    API and dashboards share one port and one sign-in. Role dagster is Dagster's UI and its daemon, which starts the
    nightly run and the upkeep; it has no sign-in of its own and belongs behind one.
    """
    from api.database import open_databases
    from ims.settings import get_settings
    from ims.web import check_pool, check_workers

    settings = get_settings()
    if role is Role.dagster:
        serve_dagster(settings, host or settings.host, port or settings.dagster_port)
        return
    workers = settings.workers if workers is None else workers
    check_workers(role.value, workers)
    check_port(host or settings.host, port or settings.port, "--port or IMS_PORT")
    url = open_databases(settings).operational
    check_pool(settings, url, workers)
    announce_admin(url)
    part: WebRole = "all" if role is Role.all else "api" if role is Role.api else "dashboards"
    serve_web(settings, part, host or settings.host, port or settings.port, workers)


def serve_web(settings: Settings, part: WebRole, host: str, port: int, workers: int = 1) -> None:
    """Run the web app in this process, recorded so that `ims stop` ends it."""
    from ims.processes import forget, record
    from ims.web import serve as run_web

    record(settings.home, "web", os.getpid())
    typer.echo(f"Web app:   http://{host}:{port}   (Ctrl-C stops it)")
    try:
        run_web(part, host, port, workers)
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


def serve_dagster(settings: Settings, host: str, port: int) -> None:
    """Dagster's UI and daemon until this process is told to end. Raises Failure when one of them ends by itself."""
    import signal

    from api.database import open_databases
    from ims.failure import Failure
    from ims.processes import forget, record

    check_port(host, port, "--port or IMS_DAGSTER_PORT")
    databases = open_databases(settings)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    record(settings.home, "dagster", os.getpid())
    try:
        with dagster_ui(settings, databases, host, port) as (address, processes):
            typer.echo(f"Dagster:   {address}   (Ctrl-C stops it)")
            while all(process.poll() is None for process in processes.values()):
                time.sleep(LOOK_SECONDS)
            ended = ", ".join(name for name, process in processes.items() if process.poll() is not None)
            raise Failure(f"{ended} ended by itself; {settings.home / 'logs'} says why.")
    except KeyboardInterrupt:
        typer.echo("Dagster has ended.")
    finally:
        forget(settings.home, "dagster")


@contextmanager
def dagster_ui(
    settings: Settings, databases: Databases, host: str, port: int
) -> Iterator[tuple[str, dict[str, subprocess.Popen[bytes]]]]:
    """The Dagster UI and its daemon as processes beside this one, ended with it; yields the UI's address and them."""
    from ims.processes import forget, start
    from pipelines.instance import dagster_home, environment

    dagster_home(settings, databases)
    bin_folder = Path(sys.executable).parent
    module = ["-m", "pipelines.definitions"]
    address = ["-h", host, "-p", str(port)]
    commands = {
        "dagster-webserver": [str(bin_folder / "dagster-webserver"), *module, *address],
        "dagster-daemon": [str(bin_folder / "dagster-daemon"), "run", *module],
    }
    variables = environment(settings, databases)
    processes = {name: start(settings.home, name, command, variables) for name, command in commands.items()}
    try:
        yield f"http://{host}:{port}", processes
    finally:
        for process in processes.values():
            process.terminate()
        for name, process in processes.items():
            process.wait(timeout=30)
            forget(settings.home, name)
