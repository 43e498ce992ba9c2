"""All candidate rows decided, a batch at a time: one Decision whose arrays run over every pair.

Reads candidate rows with their terms and costs and what is coming, gives the decision. The rule is decision.py.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from models.forecast.engine import Forecast
from models.policy.calibration import Calibration, read_calibration
from models.policy.candidates import PAIR
from models.policy.costs import UnitCosts
from models.policy.decision import Decision, decide_orders
from models.policy.paths import Ints
from models.policy.terms import Terms
from models.policy.timeline import Timeline, cut_segments

CHUNK_SAMPLES = 4_000_000  # path samples held at a time: about 150 MB
SMALL_CHAIN, MANY_PATHS, FEW_PATHS = 5_000, 1000, 500


@dataclass(frozen=True)
class Situation:
    """What holds for every pair of a run. n_paths: None = by the number of pairs."""

    as_of: date
    is_backordered: bool
    forecast: Forecast
    calibration: Calibration
    n_paths: int | None

    @classmethod
    def read(
        cls, as_of: date, unmet_demand: str, forecast: Forecast, calibration: pl.DataFrame | None, n_paths: int | None
    ) -> Situation:
        """Raises ValueError for an unknown unmet_demand, or a forecast of another week."""
        if unmet_demand not in ("lost", "backordered"):
            raise ValueError(f"unmet_demand: {unmet_demand!r} is neither 'lost' nor 'backordered'")
        monday = as_of - timedelta(days=as_of.weekday())
        if forecast.origin - timedelta(days=forecast.origin.weekday()) != monday:
            raise ValueError(f"forecast: origin {forecast.origin} is not in the week of as_of {as_of}")
        return cls(as_of, unmet_demand == "backordered", forecast, read_calibration(calibration), n_paths)


def decide_pairs(
    pairs: pl.DataFrame,
    arrivals: pl.DataFrame,
    terms: Terms,
    costs: UnitCosts,
    situation: Situation,
    slot_min: Ints,
    has_ladder: bool = False,
) -> Decision:
    """The decision for candidate rows (one at least), in their order; a pair's is the same beside any others."""
    n_paths = situation.n_paths or count_paths(pairs.height)
    timeline = cut_pairs(pairs, arrivals, terms, situation.as_of)
    size = max(1, CHUNK_SAMPLES // (n_paths * timeline.arriving.shape[1]))
    parts = []
    for begin in range(0, pairs.height, size):
        chosen = slice(begin, begin + size)
        parts.append(
            decide_orders(
                pairs.slice(begin, size),
                timeline.rows(chosen),
                terms.rows(chosen),
                UnitCosts(**{each.name: getattr(costs, each.name)[chosen] for each in fields(UnitCosts)}),
                situation.forecast,
                situation.calibration,
                situation.as_of,
                situation.is_backordered,
                n_paths,
                slot_min[chosen],
                has_ladder,
            )
        )
    joined: Decision = _join(parts)
    return joined


def count_paths(n_pairs: int) -> int:
    """Paths for a plan of so many pairs."""
    return MANY_PATHS if n_pairs <= SMALL_CHAIN else FEW_PATHS


def cut_pairs(pairs: pl.DataFrame, arrivals: pl.DataFrame, terms: Terms, as_of: date) -> Timeline:
    """Timelines of candidate rows; what is coming in no number of units, or on no day, is not coming."""
    known = arrivals.filter(pl.col("expected_on").is_not_null(), pl.col("quantity") >= 0)
    known = known.join(pairs.select(PAIR).with_row_index("row"), on=PAIR, how="inner")
    monday = as_of - timedelta(days=as_of.weekday())
    return cut_segments(
        as_of.weekday(),
        terms.lead_days,
        terms.review_days,
        known["row"].to_numpy().astype(np.int64),
        (known["expected_on"].cast(pl.Date) - monday).dt.total_days().to_numpy().astype(np.int64),
        known["quantity"].to_numpy().astype(np.int64),
    )


def _join(parts: list[Any]) -> Any:
    """One dataclass of arrays from several of it, row after row; what is no array is the same in all."""
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if hasattr(first, "__dataclass_fields__"):
        return type(first)(**{each.name: _join([getattr(p, each.name) for p in parts]) for each in fields(first)})
    return first
