"""`ims export`: suggestions, forecasts or metrics as a file for people and programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ims.commands.run import AsOf
from ims.progress import progress_bar


class Kind(StrEnum):
    """What can be exported."""

    suggestions = "suggestions"
    forecasts = "forecasts"
    metrics = "metrics"


def export(
    kind: Annotated[Kind, typer.Argument(help="What to export.")],
    out: Annotated[Path, typer.Option("--out", help="The file; its suffix decides: .csv, .xlsx or .parquet.")],
    as_of: AsOf = None,
    include_all: Annotated[bool, typer.Option("--all", help="Suggestions: every pair planned, 0 included.")] = False,
) -> None:
    """Write what is published to a file.

    A manifest (rows, checksum, snapshot, checks) is written beside it.
    """
    from pipelines.exports import export as write

    with progress_bar():
        manifest = write(kind.value, out, as_of.date() if as_of else None, include_all)
    typer.echo(
        f"{manifest.rows:,} rows of {kind.value} as of {manifest.as_of} in {out} (snapshot {manifest.snapshot_id})"
    )
