"""`ims lake`: whether the warehouse's files and its catalog stand together."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="The warehouse's files and its catalog.", no_args_is_help=True)
SHOWN = 5


@app.callback()
def group() -> None:
    """The warehouse's files and its catalog."""


@app.command("verify")
def verify(
    is_read: Annotated[bool, typer.Option("--read/--no-read", help="Read every row that is published, too.")] = True,
) -> None:
    """Whether every file that the catalog names is there, and what is published can be read; exit code 1 when not.

    To be run after a restore, which brings catalog and files from two places.
    """
    from api.database import open_databases
    from api.publications import current_publication
    from ims.failure import Failure
    from ims.settings import get_settings
    from warehouse.lake import LakeUnavailable
    from warehouse.whole import verify_lake

    settings = get_settings()
    databases = open_databases(settings)
    published = current_publication(databases.operational)
    try:
        found = verify_lake(databases, settings, published.snapshot_id if published else None, is_read=is_read)
    except LakeUnavailable as error:
        raise Failure(str(error)) from error
    for fault in found.faults[:SHOWN]:
        typer.echo(fault)
    if found.faults:
        raise Failure(
            f"The warehouse is not whole: {len(found.faults):,} faults, {found.files:,} files named. Bring the copy of "
            "the lake back that began after the database's moment (deploy/backup/restore.sh); what no copy holds is "
            "computed anew from the operational database: move the lake's folder away, drop its catalog, `ims run`."
        )
    typer.echo(f"{found.files:,} files are there and as long as the catalog says; {found.rows:,} rows were read.")


@app.command("moved")
def moved() -> None:
    """Write into the lake's catalog that its folder is now where IMS_HOME or IMS_LAKE_PATH says, if it is whole there.

    A home that holds its PostgreSQL and its lake needs no such word: it may be copied or moved as a whole while
    nothing of it runs.
    """
    from api.database import open_databases
    from ims.failure import Failure
    from ims.settings import get_settings
    from warehouse.moved import LakeElsewhere, name_anew

    settings = get_settings()
    try:
        before = name_anew(open_databases(settings).lake, settings)
    except LakeElsewhere as error:
        raise Failure(str(error)) from error
    if before is None:
        typer.echo(f"The catalog says {settings.lake_data_path} already.")
    else:
        typer.echo(f"The catalog said {before} and says {settings.lake_data_path} now.")
