"""`ims publish`: what is published, and going back."""

from __future__ import annotations

from typing import Annotated

import typer

from ims.failure import WrongInput

app = typer.Typer(help="What is published; go back.", no_args_is_help=True)


@app.command("list")
def list_publications() -> None:
    """The publications, newest first; `*` marks the one that is served."""
    from api.database import open_databases
    from api.publications import current_publication, history

    url = open_databases().operational
    current = current_publication(url)
    rows = history(url)
    if not rows:
        typer.echo("Nothing is published yet. `ims run` publishes once its blocking checks pass.")
    for row in rows:
        mark = "*" if current is not None and row.publication_id == current.publication_id else " "
        typer.echo(
            f"{mark} snapshot {row.snapshot_id:>6}  as of {row.as_of}  published {row.published_at:%Y-%m-%d %H:%M} UTC"
        )


@app.command("show")
def show() -> None:
    """The passport of what is served."""
    from api.database import open_databases
    from api.publications import current_publication

    current = current_publication(open_databases().operational)
    if current is None:
        typer.echo("Nothing is published yet. `ims run` publishes once its blocking checks pass.")
        return
    for name, value in {
        "snapshot": current.snapshot_id,
        "as of": current.as_of,
        "data as of": current.data_as_of,
        "published": f"{current.published_at:%Y-%m-%d %H:%M} UTC",
        "checks": current.checks,
        "metrics": current.metric_version,
    }.items():
        typer.echo(f"{name:<12}{value}")
    for note in current.notes:
        typer.echo(f"note: {note}")


@app.command("rollback")
def rollback(snapshot: Annotated[int, typer.Argument(metavar="SNAPSHOT", help="From `ims publish list`.")]) -> None:
    """Serve an earlier publication again; open pages follow."""
    from api.database import open_databases
    from api.publications import history
    from api.publications import rollback as move_back
    from ims.settings import get_settings
    from warehouse.lake import LakeUnavailable, connect

    databases = open_databases()
    try:
        if any(row.snapshot_id == snapshot for row in history(databases.operational, limit=1000)):
            connect(databases, get_settings(), snapshot=snapshot).close()
    except LakeUnavailable as error:
        raise WrongInput(
            f"Snapshot {snapshot} cannot be served again: `ims maintain` lets go of what was published 30 days "
            f"ago. {error}"
        ) from error
    publication = move_back(databases.operational, snapshot, moved_by="ims publish rollback")
    typer.echo(f"Serving snapshot {publication.snapshot_id}, as of {publication.as_of}.")
