"""Reason codes: one word per row that says why so much, or nothing, is suggested.

Reads a decision's arrays. Words for people are the dashboards' job.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.policy.decision import Decision

NO_VENDOR = "NO_VENDOR"
DQ_BLOCKED = "DQ_BLOCKED"  # its ledger and its shelf disagree
NO_DEMAND_UNITS = 0.01
# forecasts that rest on other series, or on a few weeks
LOW_EVIDENCE_METHODS = ("borrowed_from_category", "no_sales_yet", "short_history_mean")


def give_reasons(decision: Decision, method: list[str | None]) -> NDArray[np.str_]:
    """Codes (n,), in the order they are asked.

    DISCONTINUED, NO_DEMAND, LOT_TOO_LARGE (something is needed, yet a whole lot costs more), ENOUGH_STOCK; with an
    order: DISPLAY_MINIMUM, LOW_EVIDENCE, PROJECTED_STOCKOUT (short on half of the paths without it, or nothing on
    hand and nothing coming), BELOW_TARGET.
    """
    nothing = decision.quantity == 0
    weak = np.array([name is None or name in LOW_EVIDENCE_METHODS for name in method], dtype=bool)
    is_empty = decision.on_hand + decision.timeline.arriving.sum(axis=1) <= 0
    conditions = [
        decision.terms.is_closed,
        nothing & (decision.total_mean < NO_DEMAND_UNITS),
        nothing & (decision.wanted > 0),
        nothing,
        decision.wanted > np.maximum(decision.tau_need, 0),
        weak,
        (decision.median_need > 0) | is_empty,
    ]
    codes = [
        "DISCONTINUED",
        "NO_DEMAND",
        "LOT_TOO_LARGE",
        "ENOUGH_STOCK",
        "DISPLAY_MINIMUM",
        "LOW_EVIDENCE",
        "PROJECTED_STOCKOUT",
    ]
    return np.select(conditions, codes, default="BELOW_TARGET")
