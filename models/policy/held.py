"""Pairs whose stock cannot be believed: planned like all, and ordered not at all until somebody has counted."""

from __future__ import annotations

from datetime import date

import polars as pl

from models.policy.candidates import PAIR
from models.policy.reasons import DQ_BLOCKED
from models.policy.receipt import write_idle_receipt

KEPT = ("as_of", *PAIR, "vendor_code", "on_hand", "on_order", "order_by")


def hold_back_orders(plan: pl.DataFrame, blocked: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The `plan` frame with quantity 0 and reason DQ_BLOCKED for the pairs (store_code, sku) of `blocked`.

    Worked: a pair planned with 6 units whose ledger disagrees with its shelf gets 0, no dates and an idle receipt.
    """
    held = plan.join(blocked.select(PAIR).unique(), on=PAIR, how="semi")
    if held.is_empty():
        return plan
    receipts = [write_idle_receipt(store, sku, as_of, DQ_BLOCKED) for store, sku in held.select(PAIR).iter_rows()]
    idle = held.select(
        *KEPT,
        pl.lit(0).alias("suggested_qty"),
        pl.lit(DQ_BLOCKED).alias("reason"),
        pl.lit(0.0).alias("priority"),
        (pl.col("on_hand") + pl.col("on_order")).alias("target_level"),
        pl.lit(0).alias("transfer_in_qty"),
        pl.lit(0).alias("quantity_before_limits"),
        pl.lit(0.0).alias("order_cost_amount"),
        pl.Series("receipt", receipts, dtype=pl.String),
    )
    missing = [pl.lit(None, dtype=plan.schema[name]).alias(name) for name in plan.columns if name not in idle.columns]
    known = idle.with_columns(missing).select(plan.columns).cast(dict(plan.schema))  # type: ignore[arg-type]
    return pl.concat([plan.join(held.select(PAIR), on=PAIR, how="anti"), known]).sort(PAIR)
