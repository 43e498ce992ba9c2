"""Words for codes: reasons, states and kinds, as a manager says them."""

from __future__ import annotations

REASONS = {
    "PROJECTED_STOCKOUT": "Likely to run out first",
    "BELOW_TARGET": "Stock below target",
    "DISPLAY_MINIMUM": "Below the display minimum",
    "LOW_EVIDENCE": "Few sales yet, cautious order",
    "LOT_TOO_LARGE": "A whole lot costs more than it saves",
    "ENOUGH_STOCK": "Enough stock",
    "NO_DEMAND": "No demand expected",
    "NO_VENDOR": "No vendor known",
    "DQ_BLOCKED": "Count first: the ledger is not believed",
    "DISCONTINUED": "Discontinued",
    "OPTED_OUT": "Opted out of suggestions",
}
STATES = {
    "proposed": "Proposed",
    "approved": "Approved",
    "edited": "Edited",
    "refused": "Refused",
    "expired": "Expired",
    "ordered": "Ordered",
    "received": "Received",
}
COST_SOURCES = {
    "costs": "as the chain states them",
    "margin": "from price, cost and the carrying rate",
    "default_ratio": "by default, as no costs are known",
    "service_level": "as the stated service level asks",
}


def reason_in_words(code: str) -> str:
    """`PROJECTED_STOCKOUT` as a sentence; an unknown code in plain letters."""
    return REASONS.get(code, code.replace("_", " ").capitalize())
