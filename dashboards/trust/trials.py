"""What the methods did when they were tried on the past, in a sentence: known before any forecast week is over."""

from __future__ import annotations

import polars as pl

from dashboards.trust.reading import read
from warehouse.formats import count_of

NOT_YET = (
    "**No forecast week is over yet.** Every run keeps its forecast of the next four whole weeks; the first of them is "
    "judged on the Monday after it, beside what was asked for, and from then on error, bias and coverage stand here."
)


def say_trials(snapshot_id: int) -> str:
    """How the chosen methods did beside the best of the others, over all rows tried; empty where nothing was tried.

    Worked: losses of 1.0 and 2.0 over 30 and 10 rows, beside 1.1 and 2.0: 50 against 53, 5.7 % less.
    """
    champions = read(snapshot_id, "champions", sees_cost=False)
    if champions is None:
        return ""
    tried = pl.col("trial_rows")
    loss, rival, rows, origins = champions.select(
        (pl.col("champion_loss") * tried).sum(), (pl.col("rival_loss") * tried).sum(), tried.sum(), pl.max("origins")
    ).row(0)
    ahead = champions.filter(pl.col("champion_loss") <= pl.col("rival_loss")).height
    gain = (1 - loss / rival) * 100 if rival else 0.0
    return (
        f"Tried at {count_of(origins, 'past week')} ({count_of(rows, 'run')} of three weeks that no method had seen), "
        f"the chosen methods lost {abs(gain):.1f} % {'less' if gain >= 0 else 'more'} than the best of the others "
        f"(pinball loss), and no more than these in {ahead} of {count_of(champions.height, 'kind')} of demand."
    )
