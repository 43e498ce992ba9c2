"""`ims run`: the main job, from extract to suggestions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from ims.failure import Blocked, Failure
from ims.progress import progress_bar

AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="The opening to plan for; default: the chain's own as_of."),
]


def run(as_of: AsOf = None) -> None:
    """Run the main job, from extract to suggestions.

    Extract, transform, check, forecast, suggest, publish. A second run for the same day changes nothing.
    """
    from pipelines.run import run as run_job

    with progress_bar() as progress:
        outcome = run_job(as_of.date() if as_of else None, progress)
    for note in outcome.notes:
        typer.echo(f"note: {note}")
    if outcome.state == "failed":
        raise Failure(outcome.message)
    if outcome.state == "blocked":
        raise Blocked(outcome.message)
    typer.echo(outcome.message)
