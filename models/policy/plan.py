"""The plan: for every pair of the assortment with known stock, how much to order now, why, and what it is worth.

Reads the contract's frames and a forecast, gives the `plan` frame. The rule is order.py, the batch decision.py.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from models.forecast.engine import Forecast
from models.policy.calibration import read_calibration
from models.policy.candidates import PAIR, gather_candidates
from models.policy.costs import CARRYING_RATE, DEFAULT_RATIO
from models.policy.decision import Decision, decide_orders, price_pairs, read_terms
from models.policy.reasons import NO_VENDOR, give_reasons
from models.policy.receipt import replay_receipt, write_idle_receipt, write_receipts
from models.policy.timeline import Timeline, cut_segments

__all__ = ["PLAN_SCHEMA", "plan_orders", "replay_receipt"]

PLAN_SCHEMA: dict[str, type[pl.DataType]] = {
    "as_of": pl.Date,
    "store_code": pl.String,
    "sku": pl.String,
    "vendor_code": pl.String,
    "on_hand": pl.Int64,
    "on_order": pl.Int64,
    "suggested_qty": pl.Int64,
    "order_by": pl.Date,
    "arrives_on": pl.Date,
    "covers_until": pl.Date,
    "expected_demand": pl.Float64,
    "demand_p50": pl.Float64,
    "demand_p90": pl.Float64,
    "reason": pl.String,
    "priority": pl.Float64,
    "receipt": pl.String,
}
CHUNK_SAMPLES = 4_000_000  # path samples held at a time: about 150 MB
SMALL_CHAIN, MANY_PATHS, FEW_PATHS = 5_000, 1000, 500


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
    n_paths: int | None = None,
    carrying_rate: float = CARRYING_RATE,
    default_ratio: float = DEFAULT_RATIO,
) -> pl.DataFrame:
    """The `plan` frame (PLAN_SCHEMA), one row per pair of the assortment whose stock is known, 0 included.

    The forecast's first week must be the one that holds as_of. n_paths defaults to 1000, 500 above 5,000 pairs.
    Pairs without terms get 0, reason NO_VENDOR, no dates. Raises ValueError for frames that contradict each other
    (a pair twice, another week's forecast, an unknown unmet_demand).
    """
    if unmet_demand not in ("lost", "backordered"):
        raise ValueError(f"unmet_demand: {unmet_demand!r} is neither 'lost' nor 'backordered'")
    monday = as_of - timedelta(days=as_of.weekday())
    if forecast.origin - timedelta(days=forecast.origin.weekday()) != monday:
        raise ValueError(f"forecast: origin {forecast.origin} is not in the week of as_of {as_of}")
    if not np.isfinite(forecast.mean).all():
        raise ValueError("forecast: a mean is not a finite number")
    pairs = gather_candidates(demand, catalog, position, terms, forecast, as_of)
    has_terms = pl.col("lead_time_days").is_not_null() & pl.col("review_period_days").is_not_null()
    supplied = pairs.filter(has_terms)
    chosen = read_calibration(calibration)
    n_paths = n_paths or (MANY_PATHS if supplied.height <= SMALL_CHAIN else FEW_PATHS)
    timeline = _cut_pairs(supplied, arrivals, as_of)
    size = max(1, CHUNK_SAMPLES // (n_paths * timeline.arriving.shape[1]))
    parts = [_frame_idle(pairs.filter(~has_terms), as_of)]
    for begin in range(0, supplied.height, size):
        part = supplied.slice(begin, size)
        decision = decide_orders(
            part,
            timeline.rows(slice(begin, begin + size)),
            read_terms(part, as_of),
            price_pairs(part, carrying_rate, default_ratio),
            forecast,
            chosen,
            as_of,
            unmet_demand == "backordered",
            n_paths,
        )
        reasons = give_reasons(decision, part["method"].to_list()).tolist()
        receipts = write_receipts(part, decision, reasons, as_of, unmet_demand, forecast, chosen)
        parts.append(_frame_decision(part, decision, reasons, receipts, as_of))
    return pl.concat(parts).sort(PAIR)


def _cut_pairs(supplied: pl.DataFrame, arrivals: pl.DataFrame, as_of: date) -> Timeline:
    terms = read_terms(supplied, as_of)
    known = arrivals.join(supplied.select(PAIR).with_row_index("row"), on=PAIR, how="inner")
    monday = as_of - timedelta(days=as_of.weekday())
    return cut_segments(
        as_of.weekday(),
        terms.lead_days,
        terms.review_days,
        known["row"].to_numpy().astype(np.int64),
        (known["expected_on"].cast(pl.Date) - monday).dt.total_days().to_numpy().astype(np.int64),
        known["quantity"].to_numpy().astype(np.int64),
    )


def _frame_decision(
    part: pl.DataFrame, decision: Decision, reasons: list[str], receipts: list[str], as_of: date
) -> pl.DataFrame:
    arrives = pl.lit(as_of) + pl.duration(days=pl.lit(pl.Series(decision.terms.lead_days)))
    until = arrives + pl.duration(days=pl.lit(pl.Series(decision.terms.review_days)))
    return part.select(
        pl.lit(as_of).alias("as_of"),
        *PAIR,
        "vendor_code",
        pl.col("on_hand_qty").cast(pl.Int64).alias("on_hand"),
        pl.col("on_order_qty").cast(pl.Int64).fill_null(0).alias("on_order"),
        pl.Series("suggested_qty", decision.quantity),
        pl.lit(as_of).alias("order_by"),
        arrives.cast(pl.Date).alias("arrives_on"),
        until.cast(pl.Date).alias("covers_until"),
        pl.Series("expected_demand", np.round(decision.total_mean, 4)),
        pl.Series("demand_p50", np.round(decision.total_p50, 4)),
        pl.Series("demand_p90", np.round(decision.total_p90, 4)),
        pl.Series("reason", reasons, dtype=pl.String),
        pl.Series("priority", np.round(decision.saved, 4)),
        pl.Series("receipt", receipts, dtype=pl.String),
    ).cast(PLAN_SCHEMA)  # type: ignore[arg-type]  # polars types the mapping invariantly


def _frame_idle(idle: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Rows of pairs nobody supplies: no order, no dates, no demand to cover."""
    receipts = [write_idle_receipt(store, sku, as_of, NO_VENDOR) for store, sku in idle.select(PAIR).iter_rows()]
    known = idle.select(
        *PAIR,
        "vendor_code",
        pl.col("on_hand_qty").alias("on_hand"),
        pl.col("on_order_qty").fill_null(0).alias("on_order"),
        pl.lit(as_of).alias("as_of"),
        pl.lit(as_of).alias("order_by"),
        pl.lit(0).alias("suggested_qty"),
        pl.lit(NO_VENDOR).alias("reason"),
        pl.lit(0.0).alias("priority"),
        pl.Series("receipt", receipts, dtype=pl.String),
    )
    missing = [pl.lit(None).alias(name) for name in PLAN_SCHEMA if name not in known.columns]
    return known.with_columns(missing).select(*PLAN_SCHEMA).cast(PLAN_SCHEMA)  # type: ignore[arg-type]  # as above
