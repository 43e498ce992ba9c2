"""`ims stop`: end what IMS left running for this IMS_HOME."""

from __future__ import annotations

import typer


def stop() -> None:
    """End what IMS left running.

    Web app, Dagster and embedded PostgreSQL of this IMS_HOME.
    """
    from ims.postgres import stop_server
    from ims.processes import stop_recorded
    from ims.settings import get_settings

    settings = get_settings()
    ended = stop_recorded(settings.home)
    if stop_server(settings):
        ended.append("postgres")
    typer.echo(f"Stopped {', '.join(ended)}." if ended else f"Nothing was running for {settings.home}.")
