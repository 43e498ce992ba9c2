"""History for replay: whole units a week of every series, and which of them may be charged.

Reads the demand, catalog, terms and lead-time frames. Orders nothing, costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.features.panel import Panel, build_panel, monday_of
from models.policy.costs import CARRYING_RATE, DEFAULT_RATIO, UnitCosts, resolve_costs
from models.policy.decision import Flags, take_floats, take_ints
from models.policy.lead_times import LEVELS, draw_lead_times
from models.policy.paths import Floats, Ints, key_pair
from models.policy.protection import usable_days

# A week this much on the shelf is taken as observed; others move stock, and nobody pays for them.
CHARGED_SHARE = 0.85
SMOOTH_WEEKS = 4
PAIR = ["store_code", "sku"]


@dataclass(frozen=True)
class ReplayTerms:
    """Supply terms of n pairs on a weekly clock: an order of week w arrives `offset_days` into week w + lead_weeks.

    That is the mean; lead_quantiles (n, 19) are the days it may take. review_weeks: an order can be placed every so
    many weeks. costs: money per unit, tau for that review. unit_value: what a unit on the shelf cost, 0 where nobody
    says.
    """

    lead_weeks: Ints
    offset_days: Ints
    review_weeks: Ints
    pack: Ints
    moq: Ints
    display_min: Ints
    costs: UnitCosts
    unit_value: Floats
    lead_quantiles: Floats

    @property
    def lead_days(self) -> Ints:
        return 7 * self.lead_weeks + self.offset_days

    @property
    def cover_days(self) -> Ints:
        return self.lead_days + 7 * self.review_weeks


@dataclass(frozen=True)
class History:
    """Weekly demand of n pairs: panel (observed), units (n, n_weeks) with out-of-stock weeks filled, charged (bool).

    labels: category and vendor_code of each pair, in the panel's row order.
    """

    panel: Panel
    units: Ints
    charged: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    keys: NDArray[np.uint64]
    terms: ReplayTerms
    labels: pl.DataFrame

    def split_week(self, week: int) -> tuple[Ints, Ints]:
        """Units of a week before and from the day orders arrive on; what is asked of a day is a fixed rounding.

        Worked number: 7 units, arrivals on day 2: 2 before and 5 after; 5 units: 1 or 2 before, by the pair's key.
        """
        asked = self.units[:, week]
        early = np.floor(asked * self.terms.offset_days / 7.0 + turn_week(self.keys, week)).astype(np.int64)
        early = np.where(self.terms.offset_days > 0, np.minimum(early, asked), 0)
        return early, asked - early

    def draw_lead_weeks(self, week: int) -> Ints:
        """Weeks until an order of `week` arrives, on the pair's day of the week: a fixed draw of its lead time.

        Worked number: half of the orders 14 days under way, half 21, arrivals on Mondays: 2 or 3, by the pair's key.
        """
        quantiles = self.terms.lead_quantiles
        place = np.interp(turn_week(self.keys, week + 2_000), LEVELS, np.arange(len(LEVELS)))
        low = np.minimum(place.astype(np.int64), len(LEVELS) - 2)
        rows, share = np.arange(len(quantiles)), place - low
        days = quantiles[rows, low] * (1 - share) + quantiles[rows, low + 1] * share
        return np.asarray(np.maximum(np.rint((days - self.terms.offset_days) / 7.0), 0).astype(np.int64))


def turn_week(keys: NDArray[np.uint64], week: int) -> Floats:
    """A fixed number of each pair and week, even over 0..1: (n,)."""
    mixed = keys ^ np.uint64(week * 0x9E3779B97F4A7C15 % 2**64)
    return np.asarray(((mixed >> np.uint64(11)) % np.uint64(1000)).astype(np.float64) / 1000.0)


def whole_units(demand: Floats, keys: NDArray[np.uint64]) -> Ints:
    """Demand (n, n_weeks) as whole units that are right on average: a slow mover's .3 a week is a unit every third.

    Worked number: 2.3 becomes 2, or 3 in three weeks of ten.
    """
    turns = np.stack([turn_week(keys, week) for week in range(demand.shape[1])], axis=1) if demand.size else demand
    return np.floor(demand + np.where(demand % 1.0 > 0, turns, 0.0)).astype(np.int64)


def read_history(
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    terms: pl.DataFrame,
    as_of: date,
    *,
    leads: pl.DataFrame | None = None,
    max_series: int | None = None,
    carrying_rate: float = CARRYING_RATE,
    default_ratio: float = DEFAULT_RATIO,
) -> History:
    """History of the pairs with terms, from complete weeks before as_of; of more than `max_series` a fixed sample.

    `leads` (lead_times.LEAD_SCHEMA): how long orders take, where that is learnt; else as the terms state it.
    """
    supplied = terms.filter(pl.col("lead_time_days").is_not_null(), pl.col("review_period_days").is_not_null())
    pairs = catalog.join(supplied.select(PAIR), on=PAIR, how="semi").sort(PAIR)
    if max_series is not None and pairs.height > max_series:
        keys = [key_pair(store, sku) for store, sku in pairs.select(PAIR).iter_rows()]
        pairs = pairs.with_columns(pl.Series("key", keys, dtype=pl.UInt64)).sort("key").head(max_series).sort(PAIR)
    panel = build_panel(demand.join(pairs.select(PAIR), on=PAIR, how="semi"), pairs, monday_of(as_of))
    prices = pairs.select(*PAIR, "category", "unit_price", pl.col("unit_cost").alias("catalog_cost"))
    rows = panel.series.join(supplied, on=PAIR, how="left", maintain_order="left")
    rows = rows.join(prices, on=PAIR, how="left", maintain_order="left")
    rows = rows.with_columns(pl.col("unit_cost").cast(pl.Float64).fill_null(pl.col("catalog_cost").cast(pl.Float64)))
    numbers = np.array([key_pair(store, sku) for store, sku in panel.series.iter_rows()], dtype=np.uint64)
    return History(
        panel=panel,
        units=whole_units(fill_weeks(panel.demand, panel.weight > 0), numbers),
        charged=panel.weight >= CHARGED_SHARE,
        keys=numbers,
        terms=_weekly_terms(rows, leads, carrying_rate, default_ratio),
        labels=rows.select(pl.col("category", "vendor_code").cast(pl.String).fill_null("")),
    )


def fill_weeks(demand: Floats, observed: Flags) -> Floats:
    """Demand with weeks not observed replaced by the mean of the observed ones within four weeks of them, else 0."""
    n_weeks = demand.shape[1]
    units = np.concatenate([np.zeros((len(demand), 1)), np.cumsum(np.where(observed, demand, 0.0), axis=1)], axis=1)
    weeks = np.concatenate([np.zeros((len(demand), 1)), np.cumsum(observed, axis=1)], axis=1)
    low = np.maximum(np.arange(n_weeks) - SMOOTH_WEEKS, 0)
    high = np.minimum(np.arange(n_weeks) + SMOOTH_WEEKS + 1, n_weeks)
    near = (units[:, high] - units[:, low]) / np.maximum(weeks[:, high] - weeks[:, low], 1)
    return np.where(observed, demand, near)


def _weekly_terms(
    rows: pl.DataFrame, leads: pl.DataFrame | None, carrying_rate: float, default_ratio: float
) -> ReplayTerms:
    quantiles = draw_lead_times(rows, leads)
    lead = usable_days(quantiles, np.zeros(rows.height, dtype=np.int64))
    review_weeks = np.maximum(np.rint(take_ints(rows, "review_period_days", 7) / 7.0).astype(np.int64), 1)
    costs = resolve_costs(
        take_floats(rows, "holding_cost_per_unit_week"),
        take_floats(rows, "shortage_cost_per_unit"),
        take_floats(rows, "service_level"),
        take_floats(rows, "unit_cost"),
        take_floats(rows, "unit_price"),
        7.0 * review_weeks,
        carrying_rate=carrying_rate,
        default_ratio=default_ratio,
    )
    return ReplayTerms(
        lead_weeks=lead // 7,
        offset_days=lead % 7,
        review_weeks=review_weeks,
        pack=np.maximum(take_ints(rows, "pack_size", 1), 1),
        moq=np.maximum(take_ints(rows, "moq", 1), 1),
        display_min=np.maximum(take_ints(rows, "display_min", 0), 0),
        costs=costs,
        unit_value=np.nan_to_num(take_floats(rows, "unit_cost")),
        lead_quantiles=quantiles,
    )
