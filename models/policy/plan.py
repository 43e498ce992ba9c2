"""The plan: for every pair of the assortment with known stock, how much to order now, why, and what it is worth.

Reads the contract's frames and a forecast, gives the `plan` frame. The rule is order.py, the batch decision.py.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from models.forecast.engine import Forecast
from models.policy.candidates import PAIR, gather_candidates
from models.policy.columns import SUGGESTED, take_floats, take_ints
from models.policy.costs import CARRYING_RATE, DEFAULT_RATIO
from models.policy.decision import Decision, price_pairs
from models.policy.lead_times import LEVELS
from models.policy.limits import Limited, apply_limits, is_limited, number_orders
from models.policy.paths import Floats
from models.policy.reasons import give_reasons, screen_pairs
from models.policy.receipt import replay_receipt, write_idle_receipt, write_receipts
from models.policy.slots import choose_slots
from models.policy.study import Situation, decide_pairs
from models.policy.terms import read_terms

__all__ = ["PLAN_SCHEMA", "plan_orders", "replay_receipt"]

PLAN_SCHEMA: dict[str, type[pl.DataType]] = {
    "as_of": pl.Date,
    "store_code": pl.String,
    "sku": pl.String,
    "vendor_code": pl.String,
    **SUGGESTED,
    "lead_p50_days": pl.Float64,
    "lead_p90_days": pl.Float64,
    "target_level": pl.Int64,
    "transfer_in_qty": pl.Int64,
    "quantity_before_limits": pl.Int64,
    "order_cost_amount": pl.Float64,
    "receipt": pl.String,
}


def plan_orders(
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    position: pl.DataFrame,
    arrivals: pl.DataFrame,
    terms: pl.DataFrame,
    as_of: date,
    unmet_demand: str,
    forecast: Forecast,
    calibration: pl.DataFrame | None = None,
    *,
    rules: pl.DataFrame | None = None,
    leads: pl.DataFrame | None = None,
    budget: float | None = None,
    n_paths: int | None = None,
    carrying_rate: float = CARRYING_RATE,
    default_ratio: float = DEFAULT_RATIO,
) -> pl.DataFrame:
    """The `plan` frame (PLAN_SCHEMA), one row per pair of the assortment, 0 included.

    The forecast's first week must be the one that holds as_of. n_paths defaults to 1000, 500 above 5,000 pairs. `rules`
    (candidates.RULES), `leads` (lead_times.LEAD_SCHEMA) and a `budget` for all orders bind where given. What cannot be
    planned gets 0, its reason and no dates. Raises ValueError for frames that contradict each other (a pair twice,
    another week's forecast, an unknown unmet_demand).
    """
    situation = Situation.read(as_of, unmet_demand, forecast, calibration, n_paths)
    pairs = gather_candidates(demand, catalog, position, terms, forecast, as_of, rules)
    idle = screen_pairs(pairs, as_of)
    planned = pairs.filter(idle.is_null()).with_columns(pl.col("on_hand_qty").fill_null(0))
    parts = [_frame_idle(pairs.with_columns(idle).filter(pl.col("idle").is_not_null()), as_of)]
    if planned.height:
        known = read_terms(planned, as_of, leads)
        costs = price_pairs(planned, known, carrying_rate, default_ratio)
        slot_min, slots = choose_slots(planned, known, costs, forecast, as_of)
        minimum = take_floats(planned, "minimum_order_amount")
        is_bound = is_limited(minimum, budget)
        decision = decide_pairs(planned, arrivals, known, costs, situation, slot_min, is_bound)
        limited = _limit(planned, decision, minimum, budget)
        found = give_reasons(decision, planned, slots).tolist()
        reasons = [code or own for code, own in zip(limited.code, found, strict=True)]
        receipts = write_receipts(
            planned, decision, reasons, as_of, unmet_demand, forecast, situation.calibration, limited
        )
        parts.append(_frame_decision(planned, decision, limited, reasons, receipts, as_of))
    return pl.concat(parts).sort(PAIR)


def _limit(pairs: pl.DataFrame, decision: Decision, minimum: Floats, budget: float | None) -> Limited:
    if decision.ladder is None:
        n = pairs.height
        return Limited(decision.quantity, decision.saved, [""] * n, [""] * n)
    order = number_orders(pairs["store_code"].to_list(), pairs["vendor_code"].to_list())
    unit_cost = decision.terms.unit_cost
    return apply_limits(decision.quantity, decision.saved, decision.ladder, unit_cost, order, minimum, budget)


def _frame_decision(
    part: pl.DataFrame, decision: Decision, limited: Limited, reasons: list[str], receipts: list[str], as_of: date
) -> pl.DataFrame:
    terms = decision.terms
    order_by = pl.lit(as_of) + pl.duration(days=pl.lit(pl.Series(terms.wait_days)))
    arrives = pl.lit(as_of) + pl.duration(days=pl.lit(pl.Series(terms.lead_days)))
    until = arrives + pl.duration(days=pl.lit(pl.Series(terms.review_days)))
    coming = take_ints(part, "transfer_in_qty", 0)
    level = take_ints(part, "on_hand_qty", 0) + take_ints(part, "on_order_qty", 0) + coming + limited.quantity
    amount = np.where(limited.quantity > 0, limited.quantity * terms.unit_cost, 0.0)
    return part.select(
        pl.lit(as_of).alias("as_of"),
        *PAIR,
        "vendor_code",
        pl.col("on_hand_qty").cast(pl.Int64).alias("on_hand"),
        pl.col("on_order_qty").cast(pl.Int64).fill_null(0).alias("on_order"),
        pl.Series("suggested_qty", limited.quantity),
        order_by.cast(pl.Date).alias("order_by"),
        arrives.cast(pl.Date).alias("arrives_on"),
        until.cast(pl.Date).alias("covers_until"),
        pl.Series("expected_demand", np.round(decision.total_mean, 4)),
        pl.Series("demand_p50", np.round(decision.total_p50, 4)),
        pl.Series("demand_p90", np.round(decision.total_p90, 4)),
        pl.Series("reason", reasons, dtype=pl.String),
        pl.Series("priority", np.round(limited.saved, 4)),
        pl.Series("lead_p50_days", np.round(terms.lead_quantiles[:, LEVELS.index(0.5)], 2)),
        pl.Series("lead_p90_days", np.round(terms.lead_quantiles[:, LEVELS.index(0.9)], 2)),
        pl.Series("target_level", level),
        pl.Series("transfer_in_qty", coming),
        pl.Series("quantity_before_limits", decision.quantity),
        pl.Series("order_cost_amount", np.round(amount, 4)).fill_nan(None),
        pl.Series("receipt", receipts, dtype=pl.String),
    ).cast(PLAN_SCHEMA)  # type: ignore[arg-type]  # polars types the mapping invariantly


def _frame_idle(idle: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Rows of pairs that cannot be planned: no order, no dates, no demand to cover."""
    told = idle.select(*PAIR, "idle").iter_rows()
    receipts = [write_idle_receipt(store, sku, as_of, reason) for store, sku, reason in told]
    on_hand, on_order = pl.col("on_hand_qty").fill_null(0), pl.col("on_order_qty").fill_null(0)
    known = idle.select(
        *PAIR,
        "vendor_code",
        on_hand.alias("on_hand"),
        on_order.alias("on_order"),
        pl.lit(as_of).alias("as_of"),
        pl.lit(as_of).alias("order_by"),
        pl.lit(0).alias("suggested_qty"),
        pl.col("idle").alias("reason"),
        pl.lit(0.0).alias("priority"),
        (on_hand + on_order).alias("target_level"),
        pl.lit(0).alias("transfer_in_qty"),
        pl.lit(0).alias("quantity_before_limits"),
        pl.lit(0.0).alias("order_cost_amount"),
        pl.Series("receipt", receipts, dtype=pl.String),
    )
    missing = [pl.lit(None).alias(name) for name in PLAN_SCHEMA if name not in known.columns]
    return known.with_columns(missing).select(*PLAN_SCHEMA).cast(PLAN_SCHEMA)  # type: ignore[arg-type]  # as above
