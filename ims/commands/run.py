"""`ims run`: the main job, from extract to suggestions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from ims.failure import Blocked, Failure, WrongInput
from ims.progress import progress_bar

AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="The opening to plan for; default: the chain's own as_of."),
]
Full = Annotated[bool, typer.Option("--full", help="Read and build everything anew, whatever stands.")]
From = Annotated[
    datetime | None,
    typer.Option("--from", formats=["%Y-%m-%d"], help="Backfill: build the days from here on anew."),
]
Until = Annotated[
    datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Backfill: the last day to build anew.")
]
Stores = Annotated[
    list[str] | None, typer.Option("--store", help="Backfill: build this store anew; may be given more than once.")
]


def run(as_of: AsOf = None, full: Full = False, first: From = None, last: Until = None, store: Stores = None) -> None:
    """Run the main job, from extract to suggestions.

    Extract, transform, check, forecast, suggest, publish. A second run for the same day changes nothing. What changed
    is found and built; --full, or --from, --until and --store, build it anew although nothing seems to have changed.
    """
    from pipelines.rebuild import Rebuild
    from pipelines.run import run as run_job

    rebuild = Rebuild(full, first.date() if first else None, last.date() if last else None, tuple(store or ()))
    if full and rebuild != Rebuild(is_full=True):
        raise WrongInput("--full builds every day and store anew: leave out --from, --until and --store.")
    if first and last and first > last:
        raise WrongInput(f"--from {first:%Y-%m-%d} is after --until {last:%Y-%m-%d}: no day lies between them.")
    with progress_bar() as progress:
        outcome = run_job(as_of.date() if as_of else None, progress, rebuild=rebuild or None)
    for note in outcome.notes:
        typer.echo(f"note: {note}")
    if outcome.state == "failed":
        raise Failure(outcome.message)
    if outcome.state == "blocked":
        raise Blocked(outcome.message)
    typer.echo(outcome.message)
