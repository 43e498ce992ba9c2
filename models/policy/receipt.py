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
from models.policy.order import choose_quantity, walk_stock
from models.policy.paths import Units, key_pair, sample_paths

RECEIPT_VERSION = 1


def write_receipts(
    pairs: pl.DataFrame,
    decision: Decision,
    reasons: list[str],
    as_of: date,
    unmet_demand: str,
    forecast: Forecast,
    calibration: Calibration,
) -> list[str]:
    """One JSON text per candidate row. Lists named segment_* have one entry per segment of its timeline."""
    common = {
        "version": RECEIPT_VERSION,
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
            "lead_time_sd_days": pair["lead_time_sd_days"],
            "segment_begins_on": [(monday + timedelta(days=int(day))).isoformat() for day in opens],
            "segment_arriving": decision.timeline.arriving[row, kept].tolist(),
            "segment_mean": decision.means[row, kept].tolist(),
            "segment_inner": decision.inner[row, kept].tolist(),
            "n_before": int((kept < decision.timeline.n_before).sum()),
            "weekly_mean": [] if at is None else np.round(forecast.mean[at, :weeks], 4).tolist(),
            "method": pair["method"],
            "masked_weeks": pair["masked_weeks"] or [],
            "shared": float(decision.shared[row]),
            "stretch": float(terms.stretch[row]),
            "bias": float(decision.bias[row]),
            "tau": float(decision.tau[row]),
            "tau_theory": float(costs.tau[row]),
            "holding_cost_per_unit_week": float(costs.holding[row]),
            "shortage_cost_per_unit": float(costs.shortage[row]),
            "cost_source": str(costs.source[row]),
            "pack_size": int(terms.pack[row]),
            "moq": int(terms.moq[row]),
            "display_min": int(terms.display_min[row]),
            "is_closed": bool(terms.is_closed[row]),
            "quantity_before_lots": int(decision.wanted[row]),
            "suggested_qty": int(decision.quantity[row]),
            "expected_saving": round(float(decision.saved[row]), 4),
            "reason": reasons[row],
        }
        texts.append(json.dumps(said, separators=(",", ":")))
    return texts


def write_idle_receipt(store_code: str, sku: str, as_of: date, reason: str) -> str:
    """The receipt of a row for which there was nothing to compute: it replays to 0."""
    said = {"version": RECEIPT_VERSION, "as_of": as_of.isoformat(), "store_code": store_code, "sku": sku}
    return json.dumps({**said, "reason": reason, "is_closed": True, "suggested_qty": 0}, separators=(",", ":"))


def replay_receipt(receipt: str) -> int:
    """The suggested quantity, computed anew from the receipt alone. Raises ValueError for another version's receipt."""
    said = read_receipt(receipt)
    if said["is_closed"]:
        return 0
    lots = (np.array([said[name]], dtype=np.int64) for name in ("pack_size", "moq", "display_min"))
    _, quantity = choose_quantity(replay_need(said), np.array([said["tau"]]), *lots)
    return int(quantity[0])


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
        np.array([said["stretch"]]),
    )
    arriving = np.array([said["segment_arriving"]], dtype=np.int64)
    is_backordered = said["unmet_demand"] == "backordered"
    return walk_stock(np.array([said["on_hand"]]), arriving, demand, said["n_before"], is_backordered)
