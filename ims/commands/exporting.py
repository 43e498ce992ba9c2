"""`ims export`: suggestions, forecasts or metrics as a file for programs; lists for people to act on."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ims.commands.run import AsOf
from ims.failure import WrongInput
from ims.progress import progress_bar


class Kind(StrEnum):
    """What can be exported."""

    suggestions = "suggestions"
    forecasts = "forecasts"
    metrics = "metrics"
    reorder = "reorder"
    orders = "orders"
    transfers = "transfers"
    counts = "counts"


FOR_PROGRAMS = (Kind.suggestions, Kind.forecasts, Kind.metrics)


def export(
    kind: Annotated[Kind, typer.Argument(help="What to export.")],
    out: Annotated[Path, typer.Option("--out", help="The file; its suffix decides: .csv, .xlsx, .pdf or .parquet.")],
    as_of: AsOf = None,
    include_all: Annotated[bool, typer.Option("--all", help="Suggestions: every pair planned, 0 included.")] = False,
    store: Annotated[str | None, typer.Option("--store", help="Lists for people: only this store.")] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="USER", help="Lists for people: what this user may see and take."),
    ] = None,
) -> None:
    """Write what is published to a file.

    For programs: suggestions, forecasts, metrics. For people: reorder (the order list of each store), orders (not sent
    yet, by vendor), transfers (to pick and to receive), counts (what to count first); these come as .pdf, too.

    A manifest (rows, checksum, snapshot, checks) is written beside it.
    """
    if kind not in FOR_PROGRAMS:
        _take(kind.value, out, store, by, include_all, as_of)
        return
    if store is not None or by is not None:
        raise WrongInput(f"--store and --by are for lists for people; {kind.value} are those of the whole chain.")
    from pipelines.exports import export as write

    with progress_bar():
        manifest = write(kind.value, out, as_of.date() if as_of else None, include_all)
    typer.echo(
        f"{manifest.rows:,} rows of {kind.value} as of {manifest.as_of} in {out} (snapshot {manifest.snapshot_id})"
    )


def _take(kind: str, out: Path, store: str | None, by: str | None, include_all: bool, as_of: datetime | None) -> None:
    import secrets

    import psycopg

    from api.database import open_databases
    from api.identity.principal import Origin
    from api.services.acting import find_user
    from ims.settings import get_settings
    from pipelines.handouts.taking import Wanted, save_list, take_list

    settings = get_settings()
    databases = open_databases(settings)
    if as_of is not None:
        raise WrongInput(f"{kind} is a list to act on: it is of what is served now, without --as-of.")
    user = None
    with psycopg.connect(databases.operational) as connection:
        known = connection.execute("SELECT 1 FROM stores WHERE store_code = %s", (store,)).fetchone()
        if store is not None and known is None:
            raise WrongInput(f"There is no store {store}.")
        if by is not None:
            user = find_user(connection, by)
            if user is None:
                raise WrongInput(f"There is no active user {by}.")
    wanted = Wanted(kind, out.suffix.lower().removeprefix("."), store, include_all)
    made = take_list(databases, settings, wanted, user, Origin(secrets.token_hex(8), None, "ims export"))
    save_list(out, made)
    typer.echo(
        f"{made.manifest.rows:,} lines in {out} (as of {made.manifest.as_of}, snapshot {made.manifest.snapshot_id})"
    )
