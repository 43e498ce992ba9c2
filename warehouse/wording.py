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
    "SEASON_UPLIFT": "A season is coming",
    "NEW_STYLE_MIN_DISPLAY": "New style below its display minimum",
    "BROKEN_RUN": "A size or colour of the style is missing",
    "GRID_GAP": "A gap in the power grid",
    "TRANSFER_FIRST": "Another store has it to spare",
    "MOQ_DEFERRED": "Waits until the vendor's minimum is worth it",
    "FILLED_TO_MINIMUM": "More, to reach the vendor's minimum",
    "OVER_BUDGET": "The budget pays for other lines first",
    "NO_COST": "No cost known, so no budget for it",
    "SHELF_LIFE": "Would expire before it is sold",
    "END_OF_RANGE": "At the end of its range",
    "SUCCESSOR_FILLS_SLOT": "Its successor takes its place",
    "DISPLAY_SLOT": "An empty place on the board",
    "NO_SLOT": "No place on the board",
    "NO_STOCK_RECORD": "Nobody has said what is there",
    "NO_FORECAST": "No forecast for it",
}
# what a code means for the one who decides
REASONS_SAID = {
    "PROJECTED_STOCKOUT": "more likely than not it is gone before an order placed at the next review could help.",
    "BELOW_TARGET": "stock and open orders are below what the days until the next delivery ask for.",
    "DISPLAY_MINIMUM": "the display asks for more than demand alone would.",
    "NEW_STYLE_MIN_DISPLAY": "it is new, and ordered to stand on display, not by its sales.",
    "LOW_EVIDENCE": "it sold too little or too briefly to know; the order leans on its category.",
    "SEASON_UPLIFT": "demand is expected above its usual level in these weeks.",
    "BROKEN_RUN": "the rest of the style sells less while one size or colour is missing.",
    "GRID_GAP": "a power that is asked for is not in the drawer.",
    "TRANSFER_FIRST": "moving it costs less than buying, and the store that gives keeps what it needs.",
    "MOQ_DEFERRED": "ordering now would bind more money in the vendor's minimum than it saves.",
    "LOT_TOO_LARGE": "a whole pack would cost more to keep than it saves.",
    "NO_VENDOR": "name who supplies it, then it is planned.",
    "DQ_BLOCKED": "the ledger and the shelf disagree: count it first.",
    "OPTED_OUT": "the chain has taken it out of planning.",
    "FILLED_TO_MINIMUM": "with less the vendor takes no order, and the lines of the order are worth it together.",
    "OVER_BUDGET": "each unit of money earns more with other lines.",
    "DISPLAY_SLOT": "an empty place sells nothing; this style is the best that could fill it.",
    "SHELF_LIFE": "more than this would expire on the shelf.",
    "NO_STOCK_RECORD": "count it, then it is planned.",
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

# what a failed check does, how the run ended that ran it, and what stays out while it is broken
SAYS = {"blocking": "STOPS PUBLISHING", "warning": "WARNS", "info": "TELLS"}
OUTCOMES = {
    "published": "what it built is served",
    "blocked": "nothing was published; what was served before still is",
    "failed": "it failed before its end; what was served before still is",
    "running": "it is still at work",
    "unchanged": "nothing had changed",
}
HELD = {
    "rows": "These rows are left out of every figure until they are corrected or waived.",
    "store_days": "Sales of these store-days are left out of every figure until they are corrected or waived.",
    "pairs": "No order is suggested for these pairs until they are counted, corrected or waived.",
}


def reason_in_words(code: str) -> str:
    """`PROJECTED_STOCKOUT` as a sentence; an unknown code in plain letters."""
    return REASONS.get(code, code.replace("_", " ").capitalize())
