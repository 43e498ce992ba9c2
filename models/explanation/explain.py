"""One suggested line explained: headline, sentences, charts, other quantities, and whether its receipt replays.

Reads a suggestion's row and receipt; asks nobody and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.explanation.chart import draw_quantities, draw_weeks
from models.explanation.pricing import PricedQuantity, price_quantities, quantities_around
from models.explanation.words import explain, plain, say_edit, summarise
from models.policy.receipt import read_receipt, replay_receipt
from warehouse.formats import format_number


@dataclass(frozen=True)
class Replay:
    """The quantity that the receipt gives when it is computed anew; None where this program cannot tell."""

    quantity: int | None
    agrees: bool | None
    says: str


@dataclass(frozen=True)
class Explanation:
    """Plain text throughout: no markup."""

    headline: str
    sentences: list[str]
    chart: list[str]
    alternatives: list[PricedQuantity]
    replay: Replay


def explain_suggestion(row: Mapping[str, Any], currency: str, sees_cost: bool) -> Explanation:
    """The explanation of a suggestion with its `receipt`. Without `sees_cost` no amount but the money at stake."""
    receipt: dict[str, Any] = row.get("receipt") or {}
    replay = replay_suggestion(row, receipt)
    chosen = [row["suggested_qty"], *([row["approved_qty"]] if row.get("approved_qty") else [])]
    priced = price_quantities(receipt, quantities_around(receipt, chosen)) if replay.quantity else []
    sentences = explain(row, receipt, currency, sees_cost)
    if len(set(chosen)) == 2:
        sentences.append(say_edit(row, {each.quantity: each for each in priced}, currency, sees_cost))
    marks = {chosen[-1]: "wanted", row["suggested_qty"]: "suggested"}
    quantities = draw_quantities(priced, marks, currency, sees_cost)
    chart = draw_weeks(receipt)
    chart += [""] * bool(chart and quantities) + quantities
    return Explanation(plain(summarise(row)), [plain(each) for each in sentences], chart, priced, replay)


def replay_suggestion(row: Mapping[str, Any], receipt: Mapping[str, Any]) -> Replay:
    """The receipt computed anew, beside the quantity that the suggestion states."""
    text = json.dumps(receipt)
    try:
        read_receipt(text)
        quantity = replay_receipt(text)
    except (ValueError, LookupError, TypeError) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        return Replay(None, None, f"CANNOT BE REPLAYED: {why}.")
    stated = row["suggested_qty"]
    if quantity == stated:
        return Replay(quantity, True, f"Replayed from its receipt: {format_number(quantity)}, the same number.")
    made, here = receipt.get("numpy"), np.__version__
    by = f" It was made with numpy {made}, this is {here}." if made != here else ""
    return Replay(
        quantity,
        False,
        f"REPLAY DIFFERS: the receipt gives {format_number(quantity)}, the suggestion says {format_number(stated)}.{by}"
        " Do not order by it; report it with its number.",
    )
