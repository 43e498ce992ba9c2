"""Reason codes: one word per row that says why so much, or nothing, is suggested.

Reads candidate rows and a decision's arrays. Words for people are the dashboards' job.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.policy.decision import Decision
from models.policy.slots import is_new_style
from models.policy.terms import ENDING

NO_VENDOR = "NO_VENDOR"
OPTED_OUT = "OPTED_OUT"  # the chain never reorders it
NO_STOCK_RECORD = "NO_STOCK_RECORD"  # nobody has said what is there: it wants counting before ordering
NO_FORECAST = "NO_FORECAST"
DQ_BLOCKED = "DQ_BLOCKED"  # its ledger and its shelf disagree
NO_DEMAND_UNITS = 0.01
# forecasts that rest on other series, or on a few weeks
LOW_EVIDENCE_METHODS = ("borrowed_from_category", "no_sales_yet", "short_history_mean")


def screen_pairs(pairs: pl.DataFrame, as_of: date) -> pl.Series:
    """Why a candidate row cannot be planned, null where it can: OPTED_OUT, NO_VENDOR, NO_STOCK_RECORD, NO_FORECAST.

    A style that is new on the boards needs no record: none of it has come yet.
    """
    is_new = is_new_style(as_of)
    return pairs.select(
        pl.when(pl.col("is_never_reordered").fill_null(value=False))
        .then(pl.lit(OPTED_OUT))
        .when(pl.col("lead_time_days").is_null() | pl.col("review_period_days").is_null())
        .then(pl.lit(NO_VENDOR))
        .when(pl.col("on_hand_qty").is_null() & ~is_new)
        .then(pl.lit(NO_STOCK_RECORD))
        .when(pl.col("forecast_row").is_null())
        .then(pl.lit(NO_FORECAST))
        .alias("idle")
    ).to_series()


def give_reasons(decision: Decision, pairs: pl.DataFrame, slots: list[str]) -> NDArray[np.str_]:
    """Codes (n,), in the order they are asked.

    END_OF_RANGE, DISCONTINUED, TRANSFER_FIRST (what it needs comes from another store), SHELF_LIFE (it would expire),
    NO_SLOT, NO_DEMAND, LOT_TOO_LARGE (something is needed, yet a whole lot costs more), ENOUGH_STOCK; with an order:
    the place on the board it fills, DISPLAY_MINIMUM, LOW_EVIDENCE, PROJECTED_STOCKOUT (short on half of the paths
    without it, or nothing on hand and nothing coming), BELOW_TARGET.
    """
    nothing = decision.quantity == 0
    weak = np.array([name is None or name in LOW_EVIDENCE_METHODS for name in pairs["method"].to_list()], dtype=bool)
    is_empty = decision.on_hand + decision.timeline.arriving.sum(axis=1) <= 0
    needed = np.maximum(decision.tau_need, 0)
    place = np.array(slots, dtype=np.str_)
    is_filled = (decision.slot_min > 0) & (needed < decision.slot_min)
    comes = pairs["transfer_in_qty"].fill_null(0).to_numpy() > 0
    ends = pairs["lifecycle"].is_in(ENDING).fill_null(value=False).to_numpy()
    conditions = [
        ends,
        decision.terms.is_closed,
        nothing & comes,
        nothing & (decision.wanted > 0) & (decision.most < decision.wanted),
        nothing & (place == "NO_SLOT"),
        nothing & (decision.total_mean < NO_DEMAND_UNITS),
        nothing & (decision.wanted > 0),
        nothing,
        is_filled & (decision.wanted == decision.slot_min),
        decision.wanted > needed,
        weak,
        (decision.median_need > 0) | is_empty,
    ]
    codes: list[str | NDArray[np.str_]] = [
        "END_OF_RANGE",
        "DISCONTINUED",
        "TRANSFER_FIRST",
        "SHELF_LIFE",
        "NO_SLOT",
        "NO_DEMAND",
        "LOT_TOO_LARGE",
        "ENOUGH_STOCK",
        place,
        "DISPLAY_MINIMUM",
        "LOW_EVIDENCE",
        "PROJECTED_STOCKOUT",
    ]
    shape = len(nothing)
    spelt = [np.broadcast_to(np.asarray(code, dtype="U32"), shape) for code in codes]
    return np.select(conditions, spelt, default=np.full(shape, "BELOW_TARGET", dtype="U32"))
