"""What people's decisions on suggestions were worth, in money, on the demand that then came.

Reads decided suggestions with their receipts and the weekly demand; the walk is that of the order rule, on one path.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import polars as pl

from models.backtest.history import PAIR, SMOOTH_WEEKS
from models.features.panel import LEAST_SHARE, monday_of

EDITS_SCHEMA: dict[str, type[pl.DataType]] = {
    "suggestion_id": pl.Int64,
    "as_of": pl.Date,
    "store_code": pl.String,
    "sku": pl.String,
    "state": pl.String,
    "reason": pl.String,
    "decision_code": pl.String,
    "suggested_qty": pl.Int64,
    "decided_qty": pl.Int64,
    "needed_qty": pl.Float64,
    "suggested_cost": pl.Float64,
    "decided_cost": pl.Float64,
    "saved_cost": pl.Float64,
}
DECIDED = ("suggestion_id", "as_of", "store_code", "sku", "state", "reason", "decision_code", "suggested_qty")
DECIDED_SCHEMA = {name: EDITS_SCHEMA[name] for name in (*DECIDED, "decided_qty")} | {"receipt": pl.String}
Weeks = dict[date, float]


def value_edits(decided: pl.DataFrame, demand: pl.DataFrame) -> pl.DataFrame:
    """One row per decided suggestion (EDITS_SCHEMA): what its quantity and the suggested one came to cost.

    decided: DECIDED_SCHEMA, receipt as JSON, whose days are over. Cost = holding of what was left when the cover ended,
    over a review, and shortage of what was missing.
    saved_cost above 0: the person knew better.
    Worked number: 3 needed, 5 suggested, 3 decided, holding .2 a week, a review of one week: .4 saved.
    """
    asked = weekly_demand(demand.join(decided.select(PAIR).unique(), on=PAIR, how="semi"))
    rows = []
    for row in decided.sort("suggestion_id").iter_rows(named=True):
        said: dict[str, Any] = json.loads(row["receipt"])
        if "segment_begins_on" not in said or "review_period_days" not in said:
            continue
        need = walk_need(said, row["as_of"], asked.get((row["store_code"], row["sku"]), {}))
        suggested, chosen = (price(said, need, row[name]) for name in ("suggested_qty", "decided_qty"))
        rows.append(
            {name: row[name] for name in EDITS_SCHEMA if name in row}
            | {
                "needed_qty": need,
                "suggested_cost": suggested,
                "decided_cost": chosen,
                "saved_cost": suggested - chosen,
            }
        )
    return pl.DataFrame(rows, schema=EDITS_SCHEMA)


def summarise_edits(edits: pl.DataFrame) -> pl.DataFrame:
    """Per state: how many decisions, units moved, money saved (below 0: lost) against the suggested quantities."""
    return (
        edits.group_by("state")
        .agg(
            pl.len().alias("decisions"),
            (pl.col("decided_qty") - pl.col("suggested_qty")).sum().alias("units_added"),
            (pl.col("saved_cost") > 0).mean().alias("better_share"),
            pl.col("saved_cost").sum(),
        )
        .sort("state")
    )


def walk_need(said: dict[str, Any], as_of: date, weeks: Weeks) -> float:
    """Units missing at the end of the cover had nothing been ordered, below 0 where some were left, on what came."""
    opens = [date.fromisoformat(day) for day in said["segment_begins_on"]]
    opens[0] = max(opens[0], as_of)
    ends = as_of + timedelta(days=said["lead_time_days"] + said["review_period_days"])
    stock, need = float(said["on_hand"]), None
    for number, (begin, end) in enumerate(zip(opens, [*opens[1:], ends], strict=True)):
        stock += said["segment_arriving"][number] - count_demand(weeks, begin, end)
        if number < said["n_before"] and said["unmet_demand"] != "backordered":
            stock = max(stock, 0.0)
        if number >= said["n_before"]:
            need = -stock if need is None else max(need, -stock)
    return 0.0 if need is None else need


def price(said: dict[str, Any], need: float, quantity: int) -> float:
    """Money of an order of `quantity` units when `need` were needed."""
    left, missing = max(quantity - need, 0.0), max(need - quantity, 0.0)
    weeks = said["review_period_days"] / 7.0
    return float(left * weeks * said["holding_cost_per_unit_week"] + missing * said["shortage_cost_per_unit"])


def count_demand(weeks: Weeks, begin: date, end: date) -> float:
    """Units asked for on the days begin <= day < end, the days of a week alike."""
    days = [begin + timedelta(days=number) for number in range(max((end - begin).days, 0))]
    return sum(weeks.get(monday_of(day), 0.0) / 7.0 for day in days)


def weekly_demand(demand: pl.DataFrame) -> dict[tuple[str, str], Weeks]:
    """Pair -> Monday -> units of a full week: on the shelf as sold, else the mean of the four weeks on either side."""
    share = pl.col("in_stock_share").fill_null(1.0)
    seen = pl.when(share >= LEAST_SHARE).then(pl.col("demand_qty") / share)
    near = seen.rolling_mean(2 * SMOOTH_WEEKS + 1, min_samples=1, center=True).over(PAIR)
    filled = demand.sort(*PAIR, "week_starting_on").with_columns(seen.fill_null(near).fill_null(0.0).alias("units"))
    found: dict[tuple[str, str], Weeks] = {}
    for store, sku, week, units in filled.select(*PAIR, "week_starting_on", "units").iter_rows():
        found.setdefault((store, sku), {})[week] = units
    return found
