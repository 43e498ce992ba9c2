"""Many series in bounded memory: stores in groups, each forecast on its own, the results put together.

Reads frames of one group at a time, gives Forecasts or one of them all. Time grows with the groups, memory does not.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from models.forecast.engine import Forecast

# A group of so many series learns as much as the chain would, and needs 1 to 2 GB.
MOST_SERIES = 40_000


def split_stores(catalog: pl.DataFrame, most: int = MOST_SERIES) -> list[list[str]]:
    """Store codes in groups of at most `most` series, in order; a store is never split.

    Three stores of 4 series, at most 8: two groups.
    """
    groups: list[list[str]] = [[]]
    held = 0
    for store, series in catalog.group_by("store_code").len().sort("store_code").iter_rows():
        if groups[-1] and held + series > most:
            groups.append([])
            held = 0
        groups[-1].append(store)
        held += series
    return groups


def merge_forecasts(parts: Iterable[Forecast]) -> Forecast:
    """One forecast of all groups, series in order; of a segment's champions the choice with the most trials stays.

    Raises ValueError when the groups look out from different weeks, or share a series.
    """
    made = list(parts)
    if len({part.origin for part in made}) != 1:
        raise ValueError("groups of stores were forecast from different weeks")
    series = pl.concat([part.series for part in made]).with_row_index("row").sort("store_code", "sku")
    if series.select("store_code", "sku").is_duplicated().any():
        raise ValueError("a series was forecast in two groups")
    order = series["row"].to_numpy()
    sizes = [part.size for part in made if part.size is not None]
    segments = [part.segment for part in made if part.segment is not None]
    knots = [part.knots for part in made if part.knots is not None]
    chosen = [part.champions for part in made if part.champions is not None]
    return Forecast(
        made[0].origin,
        series.drop("row"),
        np.concatenate([part.mean for part in made])[order],
        np.concatenate([part.shared for part in made])[order],
        np.concatenate([part.inner for part in made])[order],
        np.concatenate(sizes)[order] if len(sizes) == len(made) else None,
        np.concatenate([part.method for part in made])[order],
        np.concatenate(segments)[order] if len(segments) == len(made) else None,
        pl.concat(chosen).sort("segment", "trial_rows").unique("segment", keep="last", maintain_order=True)
        if chosen
        else None,
        float(np.mean([part.common for part in made])),
        np.concatenate(knots)[order] if len(knots) == len(made) else None,
        float(np.mean([part.week_scale for part in made])),
    )
