"""Suggested transfers: the `transfers` frame, one row per pair that gets units from another store, with its receipt.

Reads the contract's frames and a forecast. What may move is exchange.py, the choice transfers.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy.stats import nbinom

from models.forecast.engine import Forecast
from models.policy.candidates import PAIR, gather_candidates
from models.policy.columns import SUGGESTED
from models.policy.costs import CARRYING_RATE, DEFAULT_RATIO
from models.policy.decision import price_pairs
from models.policy.exchange import make_offers
from models.policy.paths import Ints
from models.policy.reasons import screen_pairs
from models.policy.receipt import RECEIPT_VERSION
from models.policy.study import Situation, count_paths
from models.policy.terms import read_terms
from models.policy.transfers import Offers, choose_moves

TRANSFER_SCHEMA: dict[str, type[pl.DataType]] = {
    "as_of": pl.Date,
    "kind": pl.String,
    "store_code": pl.String,
    "sku": pl.String,
    "vendor_code": pl.String,
    "source_store_code": pl.String,
    **SUGGESTED,
    "source_on_hand": pl.Int64,
    "source_kept_qty": pl.Int64,
    "transport_cost_amount": pl.Float64,
    "receipt": pl.String,
}


@dataclass(frozen=True)
class TransferTerms:
    """Days a transfer takes (0 = none is made), what a unit's journey costs, what a parcel to a store must earn."""

    days: int
    unit_cost: float
    least_worth: float


def plan_transfers(
    demand: pl.DataFrame,
    catalog: pl.DataFrame,
    position: pl.DataFrame,
    arrivals: pl.DataFrame,
    terms: pl.DataFrame,
    as_of: date,
    unmet_demand: str,
    forecast: Forecast,
    calibration: pl.DataFrame | None,
    transfer: TransferTerms,
    *,
    rules: pl.DataFrame | None = None,
    leads: pl.DataFrame | None = None,
    n_paths: int | None = None,
    carrying_rate: float = CARRYING_RATE,
    default_ratio: float = DEFAULT_RATIO,
) -> pl.DataFrame:
    """The `transfers` frame (TRANSFER_SCHEMA) before any order is planned; arguments as of plan_orders.

    Only skus in two stores of which one has stock are looked at. Raises ValueError as plan_orders does.
    """
    pairs = gather_candidates(demand, catalog, position, terms, forecast, as_of, rules)
    pairs = pairs.filter(screen_pairs(pairs, as_of).is_null()).with_columns(pl.col("on_hand_qty").fill_null(0))
    # the plan's own paths, so that a source is protected in just the numbers it is planned by
    n_paths = n_paths or count_paths(pairs.height)
    situation = Situation.read(as_of, unmet_demand, forecast, calibration, n_paths)
    is_shared = (pl.len().over("sku") > 1) & (pl.col("on_hand_qty").max().over("sku") > 0)
    pairs = pairs.filter(is_shared)
    if transfer.days <= 0 or pairs.is_empty():
        return pl.DataFrame(schema=TRANSFER_SCHEMA)
    known = read_terms(pairs, as_of, leads)
    costs = price_pairs(pairs, known, carrying_rate, default_ratio)
    offers, kept = make_offers(pairs, arrivals, known, costs, situation, transfer.days)
    moves = choose_moves(offers, transfer.unit_cost, transfer.least_worth)
    return _frame_moves(pairs, moves, offers, kept, known.lead_days + known.review_days, situation, transfer)


def apply_transfers(
    position: pl.DataFrame, arrivals: pl.DataFrame, transfers: pl.DataFrame | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Position and arrivals as if the transfers were made: buys cover the rest."""
    if transfers is None or transfers.is_empty():
        return position, arrivals
    comes = transfers.select(*PAIR, pl.col("suggested_qty").alias("transfer_in_qty"))
    goes = transfers.group_by(pl.col("source_store_code").alias("store_code"), "sku").agg(
        pl.col("suggested_qty").sum().alias("transfer_out_qty")
    )
    moved = transfers.select(
        *PAIR,
        pl.col("arrives_on").alias("expected_on"),
        pl.col("suggested_qty").cast(arrivals.schema["quantity"]).alias("quantity"),
    )
    return (
        position.join(comes, on=PAIR, how="left").join(goes, on=PAIR, how="left"),
        pl.concat([arrivals.select(*PAIR, "expected_on", "quantity"), moved]),
    )


def _frame_moves(
    pairs: pl.DataFrame,
    moves: pl.DataFrame,
    offers: Offers,
    kept: Ints,
    cover_days: Ints,
    situation: Situation,
    transfer: TransferTerms,
) -> pl.DataFrame:
    as_of, forecast = situation.as_of, situation.forecast
    rows = []
    for source, row, quantity, benefit in moves.iter_rows():
        pair, origin = pairs.row(row, named=True), pairs.row(source, named=True)
        until = as_of + timedelta(days=int(cover_days[row]))
        expected, p50, p90 = _expect_demand(forecast, pair["forecast_row"], int(cover_days[row]))
        gains = np.round(offers.gain[row], 6).tolist()
        relief = round(float(offers.relief[source]), 6)
        paying = sum(1 for gain in gains if gain + relief > transfer.unit_cost)
        said = {
            "version": RECEIPT_VERSION,
            "kind": "transfer",
            "as_of": as_of.isoformat(),
            "store_code": pair["store_code"],
            "sku": pair["sku"],
            "source_store_code": origin["store_code"],
            "source_on_hand": origin["on_hand_qty"],
            "source_claimed": origin["claimed_qty"],
            "source_keeps": int(kept[source]),
            "source_spares": int(offers.spare[source]),
            "transfer_days": transfer.days,
            "unit_gains": gains,
            "source_relief_per_unit": relief,
            "transport_cost_per_unit": transfer.unit_cost,
            "least_worth_of_parcel": transfer.least_worth,
            # what other stores leave of it, where they need it more
            "granted_qty": int(quantity) if quantity < paying else int(offers.spare[source]),
            "reason": "TRANSFER_FIRST",
            "suggested_qty": int(quantity),
            "expected_saving": round(float(benefit), 4),
        }
        rows.append(
            {
                "as_of": as_of,
                "kind": "transfer",
                "store_code": pair["store_code"],
                "sku": pair["sku"],
                "vendor_code": None,
                "source_store_code": origin["store_code"],
                "on_hand": pair["on_hand_qty"],
                "on_order": pair["on_order_qty"] or 0,
                "suggested_qty": quantity,
                "order_by": as_of,
                "arrives_on": as_of + timedelta(days=transfer.days),
                "covers_until": until,
                "expected_demand": expected,
                "demand_p50": p50,
                "demand_p90": p90,
                "reason": "TRANSFER_FIRST",
                "priority": round(float(benefit), 4),
                "source_on_hand": origin["on_hand_qty"],
                "source_kept_qty": int(kept[source]),
                "transport_cost_amount": round(quantity * transfer.unit_cost, 4),
                "receipt": json.dumps(said, separators=(",", ":")),
            }
        )
    return pl.DataFrame(rows, schema=TRANSFER_SCHEMA)


def _expect_demand(forecast: Forecast, row: int, days: int) -> tuple[float, float, float]:
    """Expected demand of the days from as_of on, its median and .9 quantile, as a negative binomial count."""
    weeks = min(max(-(-days // 7), 1), forecast.mean.shape[1])
    mean = float(forecast.mean[row, :weeks].mean()) * days / 7.0
    spread = float(forecast.shared[row] + forecast.inner[row] / weeks)
    if mean <= 0 or spread <= 0:
        return round(mean, 4), float(np.floor(mean)), float(np.ceil(mean))
    size = 1.0 / spread
    p50, p90 = nbinom.ppf([0.5, 0.9], size, size / (size + mean))
    return round(mean, 4), float(p50), float(p90)
