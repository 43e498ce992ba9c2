"""Receipts: everything one suggestion was computed from, as JSON, and the replay that gives the same number again.

The batch is decided in decision.py by the same functions on the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from models.forecast.engine import Forecast
from models.policy.calibration import Calibration
from models.policy.decision import Decision
from models.policy.lead_times import LEVELS
from models.policy.limits import Limited
from models.policy.order import choose_quantity, walk_stock
from models.policy.paths import Floats, Units, key_pair, sample_paths
from models.policy.protection import stretch_lengths

RECEIPT_VERSION = 2


def write_receipts(
    pairs: pl.DataFrame,
    decision: Decision,
    reasons: list[str],
    as_of: date,
    unmet_demand: str,
    forecast: Forecast,
    calibration: Calibration,
    limited: Limited,
) -> list[str]:
    """One JSON text per candidate row. Lists named segment_* have one entry per segment of its timeline.

    What a shared limit changed cannot follow from one line: `limit_qty` says what was left of the quantity that the
    line's own numbers give (`quantity_before_limits`), and budget_note why.
    """
    common = {
        "version": RECEIPT_VERSION,
        "kind": "purchase",
        "numpy": np.__version__,
        "as_of": as_of.isoformat(),
        "unmet_demand": unmet_demand,
        "seed": decision.seed,
        "n_paths": decision.n_paths,
        "calibration": calibration.note,
        "p90_level": calibration.p90_level,
    }
    monday = as_of - timedelta(days=as_of.weekday())
    real = np.diff(decision.timeline.bounds, axis=1) > 0
    terms, costs = decision.terms, decision.costs
    texts = []
    for row, pair in enumerate(pairs.iter_rows(named=True)):
        kept = np.flatnonzero(real[row])
        opens = decision.timeline.bounds[row, kept]
        at = pair["forecast_row"]
        weeks = int(np.ceil(decision.timeline.bounds[row, -1] / 7))
        said = {
            **common,
            "store_code": pair["store_code"],
            "sku": pair["sku"],
            "vendor_code": pair["vendor_code"],
            "on_hand": int(decision.on_hand[row]),
            "on_order": pair["on_order_qty"],
            "lead_time_days": int(terms.lead_days[row]),
            "review_period_days": int(terms.review_days[row]),
            "claimed": pair["claimed_qty"],
            "transfer_in": pair["transfer_in_qty"] or 0,
            "wait_days": int(terms.wait_days[row]),
            **_tell_lead_time(terms.lead_quantiles[row]),
            "segment_begins_on": [(monday + timedelta(days=int(day))).isoformat() for day in opens],
            "segment_arriving": decision.timeline.arriving[row, kept].tolist(),
            "segment_mean": decision.means[row, kept].tolist(),
            "segment_inner": decision.inner[row, kept].tolist(),
            "n_before": int((kept < decision.timeline.n_before).sum()),
            "weekly_mean": [] if at is None else np.round(forecast.mean[at, :weeks], 4).tolist(),
            "method": pair["method"],
            "masked_weeks": pair["masked_weeks"] or [],
            "shared": float(decision.shared[row]),
            "bias": float(decision.bias[row]),
            "tau": float(decision.tau[row]),
            "tau_theory": float(costs.tau[row]),
            "holding_cost_per_unit_week": float(costs.holding[row]),
            "shortage_cost_per_unit": float(costs.shortage[row]),
            "cost_source": str(costs.source[row]),
            "pack_size": int(terms.pack[row]),
            "moq": int(terms.moq[row]),
            "display_min": int(terms.display_min[row]),
            "slot_min": int(decision.slot_min[row]),
            "shelf_life_days": pair["shelf_life_days"],
            "most": int(decision.most[row]),
            "range_status": pair["lifecycle"],
            "min_order_amount": pair["minimum_order_amount"],
            "is_closed": bool(terms.is_closed[row]),
            "quantity_before_lots": int(decision.wanted[row]),
            "quantity_before_limits": int(decision.quantity[row]),
            "limit_qty": int(limited.quantity[row]) if limited.code[row] else None,
            "budget_note": limited.note[row] or None,
            "suggested_qty": int(limited.quantity[row]),
            "expected_saving": round(float(limited.saved[row]), 4),
            "reason": reasons[row],
        }
        texts.append(json.dumps(said, separators=(",", ":")))
    return texts


def write_idle_receipt(store_code: str, sku: str, as_of: date, reason: str) -> str:
    """The receipt of a row for which there was nothing to compute: it replays to 0."""
    said = {
        "version": RECEIPT_VERSION,
        "kind": "purchase",
        "as_of": as_of.isoformat(),
        "store_code": store_code,
        "sku": sku,
    }
    return json.dumps({**said, "reason": reason, "is_closed": True, "suggested_qty": 0}, separators=(",", ":"))


def replay_receipt(receipt: str) -> int:
    """The suggested quantity, computed anew from the receipt alone.

    Raises ValueError for another version's receipt, and for one whose line does not give what its limits were set on.
    """
    said = read_receipt(receipt)
    if said["kind"] == "transfer":
        return replay_transfer(said)
    if said["is_closed"]:
        return 0
    names = ("pack_size", "moq", "display_min", "slot_min", "most")
    lots = (np.array([said[name]], dtype=np.int64) for name in names)
    _, quantity = choose_quantity(replay_need(said), np.array([said["tau"]]), *lots)
    if said["limit_qty"] is None:
        return int(quantity[0])
    if int(quantity[0]) != said["quantity_before_limits"]:
        raise ValueError(f"receipt: limits were set on {said['quantity_before_limits']}, its line gives {quantity[0]}")
    return int(said["limit_qty"])


def read_receipt(receipt: str) -> dict[str, Any]:
    """What the receipt says. Raises ValueError for another version's receipt."""
    said: dict[str, Any] = json.loads(receipt)
    if said.get("version") != RECEIPT_VERSION:
        raise ValueError(f"receipt: version {said.get('version')!r}; this program replays version {RECEIPT_VERSION}")
    return said


def replay_need(said: Mapping[str, Any]) -> Units:
    """Units still needed on each path when the order becomes usable, (1, n_paths), of a pair that is not closed."""
    demand = sample_paths(
        np.array([said["segment_mean"]]) * np.array([[said["bias"]]]),
        np.array([said["shared"]]),
        np.array([said["segment_inner"]]),
        said["n_before"],
        np.array([key_pair(said["store_code"], said["sku"])], dtype=np.uint64),
        said["seed"],
        said["n_paths"],
        stretch_lengths(
            np.array([said["lead_time_quantiles"] or [0.0] * len(LEVELS)]),
            np.array([said["wait_days"]]),
            np.array([said["review_period_days"]]),
            said["seed"],
            said["n_paths"],
        ),
    )
    arriving = np.array([said["segment_arriving"]], dtype=np.int64)
    is_backordered = said["unmet_demand"] == "backordered"
    return walk_stock(np.array([said["on_hand"]]), arriving, demand, said["n_before"], is_backordered)


def _tell_lead_time(quantiles: Floats) -> dict[str, object]:
    """The lead time alone, without the wait for an order day: two quantiles, and all where it is not certain."""
    return {
        "lead_time_p50_days": float(quantiles[LEVELS.index(0.5)]),
        "lead_time_p90_days": float(quantiles[LEVELS.index(0.9)]),
        "lead_time_quantiles": quantiles.tolist() if np.ptp(quantiles) > 0 else [],
    }


def replay_transfer(said: Mapping[str, Any]) -> int:
    """Units a transfer moves: those that earn more than their journey costs, of what the source could grant."""
    earned = [gain + said["source_relief_per_unit"] for gain in said["unit_gains"]]
    paying = sum(1 for each in earned if each > said["transport_cost_per_unit"])
    return int(min(paying, said["granted_qty"], said["source_spares"]))
