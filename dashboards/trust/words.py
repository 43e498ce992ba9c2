"""Methods, policies and ingredients of a replay as people say them."""

from __future__ import annotations

import re

METHODS = {
    "boosted_blend": "Boosted blend",
    "structural": "Structural model",
    "mean_13_season": "13-week mean with season",
    "mean_52": "Mean of the year",
    "decayed_mean": "Fading mean",
    "category_rate": "Rate of its category",
    "inherited_demand": "Demand of its predecessor",
}
POLICIES = {
    "ours": "IMS",
    "tuned_mean": "Weeks of cover, tuned",
    "min_max": "Minimum and maximum",
    "incumbent": "Rule of before",
    "theory": "Textbook rule",
    "perfect_foresight": "Knowing the future",
    "actual": "What the chain did",
}
STARTS = {"plausible": "The same shelf for everybody", "own_shelf": "What lay on the shelf that day"}
ALERTS = {
    "BIAS": "Too much or too little",
    "COVERAGE": "Surer than it may be, or not sure enough",
    "DRIFT": "Demand changed",
    "BEHIND_BASELINE": "Behind a plain mean",
    "CHAMPION_FELL_BEHIND": "Another method took over",
}


def method(code: str | None) -> str:
    """A method's name; an unknown code in plain letters."""
    return METHODS.get(code or "", (code or "–").replace("_", " ").capitalize())


def in_words(text: str) -> str:
    """A sentence in which methods stand as codes, with their names."""
    for code in sorted(METHODS, key=len, reverse=True):
        text = re.sub(rf"\b{code}\b", METHODS[code].lower(), text)
    return text


def policy(code: str) -> str:
    """A policy's name."""
    return POLICIES.get(code, code.replace("_", " ").capitalize())
