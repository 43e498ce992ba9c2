"""`ims backtest`: what policies would have cost on history, beside what the chain did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ims.commands.demo import Profile
from ims.progress import progress_bar

if TYPE_CHECKING:
    import polars as pl

    from pipelines.lock import Progress


def backtest(
    windows: Annotated[int, typer.Option(help="How many windows of history to judge.", min=1)] = 12,
    policies: Annotated[
        str,
        typer.Option(
            help="Which, by comma: tuned_mean, min_max, incumbent, ours, theory, perfect_foresight, actual.",
            metavar="NAMES",
        ),
    ] = "tuned_mean,min_max,incumbent,ours,perfect_foresight,actual",
    profile: Annotated[
        Profile | None,
        typer.Option(help="Of a chain made by `ims demo` of this profile: judge on its true demand, and lost sales."),
    ] = None,
    ablate: Annotated[bool, typer.Option("--ablate", help="What each ingredient of ours buys, instead.")] = False,
) -> None:
    """Replay orders on windows of history.

    What our orders would have cost beside tuned rules, and beside what the chain really did, window by window;
    everything is tuned on earlier windows. The tables stay in the lake: outputs.backtest and its neighbours.
    """
    from pipelines import backtest as pipeline

    with progress_bar() as progress:
        if ablate:
            table = str(pipeline.ablate(windows, progress))
        else:
            truth = None if profile is None else read_truth(profile, progress)
            names = [name.strip() for name in policies.split(",") if name.strip()]
            table = str(pipeline.backtest(windows, names, progress, truth))
    typer.echo(table)


def read_truth(profile: Profile, progress: Progress) -> pl.DataFrame:
    """The true demand of the demo chain that is published: the chain is made again, as the same seed tells the same."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    import polars as pl

    from ims.demo.generate import write_chain
    from pipelines.backtest import open_published

    published = open_published()[2]
    with TemporaryDirectory() as folder:
        truth = Path(folder, "truth")
        write_chain(Path(folder, "chain"), profile.value, as_of=published.as_of, progress=progress, truth=truth)
        columns = ["store_code", "sku", "demand_on", "demand_qty", "available_qty", "sales_qty"]
        return pl.read_parquet(truth / "demand-0.parquet", columns=columns)
