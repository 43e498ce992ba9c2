"""`ims backtest`: what the policy would have cost on history, beside simpler rules."""

from __future__ import annotations

from typing import Annotated

import typer

from ims.progress import progress_bar


def backtest(
    windows: Annotated[int, typer.Option(help="How many windows of history to judge.", min=1)] = 12,
) -> None:
    """Replay orders on windows of history.

    What our orders would have cost beside a tuned cover rule, window by window.
    """
    from pipelines.backtest import backtest as replay

    with progress_bar() as progress:
        table = replay(windows, progress)
    typer.echo(str(table))
