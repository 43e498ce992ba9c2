"""What a season would need: last year's weeks, those to come with their band, and what to buy for them, store by store.

Reads weekly demand of one category by store, its published totals and its stock; frames in, a plan out. A what-if of a
category, not an order: which item, in which pack, from whom is `plan.py`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.forecast.distribution import count_quantiles
from models.policy.season_shape import History, Outlook, expect_weeks

LOW, HIGH = 0.1, 0.9

STORES_SCHEMA: dict[str, type[pl.DataType]] = {
    "store_code": pl.String,
    "last_qty": pl.Float64,
    "planned_qty": pl.Float64,
    "needed_qty": pl.Int64,
    "on_hand": pl.Int64,
    "on_order": pl.Int64,
    "before_qty": pl.Float64,
    "left_qty": pl.Float64,
    "buy_qty": pl.Int64,
    "buy_price_amount": pl.Float64,
    "buy_cost_amount": pl.Float64,
}


@dataclass(frozen=True)
class Season:
    """What is asked: Mondays of the first and the last week, a share more than expected, how surely it shall last."""

    first: date
    last: date
    uplift: float = 0.0
    service_level: float = 0.9

    def __post_init__(self) -> None:
        if self.last < self.first or self.first.weekday() or self.last.weekday():
            raise ValueError("a season goes from a Monday to the same or a later one")
        if not 0 < self.service_level < 1 or self.uplift < -1:
            raise ValueError("a service level lies between 0 and 1, and no less than nothing is asked for")

    @property
    def mondays(self) -> list[date]:
        """Every week of it."""
        return [self.first + timedelta(weeks=at) for at in range((self.last - self.first).days // 7 + 1)]


@dataclass(frozen=True)
class Plan:
    """weeks: week_starting_on, last_year_on, last_qty, last_lost_qty, mean_qty, low_qty, high_qty, is_forecast.

    stores: STORES_SCHEMA. total: the stores' columns summed, `low_qty` and `high_qty` of the whole season beside, and
    `moved_qty`: units that lie where nobody asks for them, a warehouse: they are moved before any is bought.
    """

    weeks: pl.DataFrame
    stores: pl.DataFrame
    total: dict[str, float]

    @property
    def stores_want(self) -> float:
        """Units to buy before any are moved."""
        return self.total["buy_qty"] + self.total["moved_qty"]


def plan_season(history: History, outlook: Outlook, stock: pl.DataFrame, season: Season) -> Plan:
    """What the season asks for, and what to buy for it beside what is there.

    stock: store_code, on_hand, on_order, unit_price, unit_cost (null where none is known), a row per store of the plan.
    What is there is first used up by the weeks before the season. A store buys up to the quantile of its season's
    demand at the service level; a good season is taken to be good in all of its weeks, so bands err on the wide side.
    Worked number: 60 asked for at 0 scatter, service level .9: 70 needed; 50 there, 20 asked for before: buy 40.
    """
    stores = stock["store_code"].to_list()
    mondays = season.mondays
    expected = expect_weeks(history, outlook, stores, mondays)
    before = expect_weeks(history, outlook, stores, _weeks_until(outlook.as_of, season.first)).mean.sum(axis=1)
    planned = expected.mean * (1 + season.uplift)
    total = planned.sum(axis=1)
    needed = _quantile(total, expected.scatter, season.service_level)
    on_hand, on_order = (stock[name].fill_null(0).to_numpy() for name in ("on_hand", "on_order"))
    left = np.maximum(on_hand + on_order - before, 0.0)
    buy = np.ceil(np.maximum(needed - left, 0.0) - 1e-9)
    frame = pl.DataFrame(
        {
            "store_code": stores,
            "last_qty": expected.last.sum(axis=1) + expected.lost.sum(axis=1),
            "planned_qty": total,
            "needed_qty": needed,
            "on_hand": on_hand,
            "on_order": on_order,
            "before_qty": before,
            "left_qty": left,
            "buy_qty": buy,
            "buy_price_amount": pl.Series(buy, dtype=pl.Float64) * stock["unit_price"],
            "buy_cost_amount": pl.Series(buy, dtype=pl.Float64) * stock["unit_cost"],
        }
    ).cast(STORES_SCHEMA)  # type: ignore[arg-type]  # polars types the mapping invariantly
    spread = _spread(planned, expected.scatter, expected.common)
    whole = _spread(total[:, None], expected.scatter, expected.common)
    sums = {name: float(frame[name].sum() or 0.0) for name in STORES_SCHEMA if name != "store_code"}
    idle = float(left[total <= 0].sum())
    moved = min(idle, sums["buy_qty"])
    share = 1 - moved / sums["buy_qty"] if moved else 1.0
    sums |= {name: value * share for name, value in sums.items() if name.startswith("buy_")}
    return Plan(
        weeks=pl.DataFrame(
            {
                "week_starting_on": mondays,
                "last_year_on": expected.last_year_on,
                "last_qty": expected.last.sum(axis=0),
                "last_lost_qty": expected.lost.sum(axis=0),
                "mean_qty": planned.sum(axis=0),
                "low_qty": spread[:, 0],
                "high_qty": spread[:, 1],
                "is_forecast": expected.is_forecast,
            },
            schema_overrides={"week_starting_on": pl.Date, "last_year_on": pl.Date},
        ),
        stores=frame,
        total=sums | {"low_qty": float(whole[0, 0]), "high_qty": float(whole[0, 1]), "moved_qty": moved},
    )


def _quantile(mean: np.ndarray, scatter: np.ndarray, level: float) -> np.ndarray:
    return np.asarray(count_quantiles(mean, 1 / np.maximum(scatter, 1e-6), np.array([level]))[:, 0])


def _spread(mean: np.ndarray, scatter: np.ndarray, common: float) -> np.ndarray:
    """LOW and HIGH of the stores' sum, by column: what each store scatters by itself, and what all share."""
    whole = mean.sum(axis=0)
    own = (np.maximum(scatter - common, 0.0)[:, None] * mean**2).sum(axis=0)
    phi = common + own / np.maximum(whole, 1e-9) ** 2
    return count_quantiles(whole, 1 / np.maximum(phi, 1e-6), np.array([LOW, HIGH]))


def _weeks_until(as_of: date, first: date) -> list[date]:
    monday = as_of - timedelta(days=as_of.weekday())
    return [monday + timedelta(weeks=at) for at in range((first - monday).days // 7)]
