"""Why this quantity: the receipt of a suggestion in plain sentences. Computes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from models.explanation.pricing import PricedQuantity
from warehouse.formats import count_of, format_day, format_money, format_number, format_share, format_units
from warehouse.wording import COST_SOURCES, REASONS_SAID, reason_in_words


def explain(row: Mapping[str, Any], receipt: Mapping[str, Any], currency: str, sees_cost: bool) -> list[str]:
    """Markdown sentences, in the order the number came about."""
    sentences = [_stock(row, receipt), _time(row, receipt), _demand(row), *_evidence(receipt)]
    if "tau" in receipt:
        sentences += [_target(receipt, currency, sees_cost), _quantity(row, receipt)]
        sentences += _limits(receipt, sees_cost)
    money = format_money(row["priority"], currency)
    act = "Moving it" if row.get("source_store_code") else "Ordering"
    sentences.append(f"{act} now rather than not at all is expected to save **{money}** in lost sales and holding.")
    if row["reason"] in REASONS_SAID:
        sentences.append(f"{reason_in_words(row['reason'])} ({row['reason']}): {REASONS_SAID[row['reason']]}")
    return sentences


def summarise(row: Mapping[str, Any]) -> str:
    """The line's headline."""
    what, source = f"**{format_number(row['suggested_qty'])}**", row.get("source_store_code")
    act = f"Move {what} from store {source}" if source else f"Order {what}"
    return f"{act}: {reason_in_words(row['reason']).lower()}."


def say_edit(row: Mapping[str, Any], priced: Mapping[int, PricedQuantity], currency: str, sees_cost: bool) -> str:
    """What somebody wants instead, and what that is expected to cost or to save beside the suggestion."""
    wanted, suggested = row["approved_qty"], row["suggested_qty"]
    who = row.get("decided_by")
    by, why = f" by {who}" if who else "", f" ({row['decision_note']})" if row.get("decision_note") else ""
    text = f"**{format_number(wanted)}** instead of {format_number(suggested)} is wanted{by}{why}"
    if not sees_cost or wanted not in priced or suggested not in priced:
        return f"{text}."
    gain = priced[wanted].saved_amount - priced[suggested].saved_amount
    verb = "save" if gain >= 0 else "cost"
    return f"{text}; by the forecast that is expected to {verb} **{_unit_money(abs(gain), currency)}** more."


def plain(markdown: str) -> str:
    """The sentence without its bold marks."""
    return markdown.replace("**", "")


def _stock(row: Mapping[str, Any], receipt: Mapping[str, Any]) -> str:
    arriving = receipt.get("segment_arriving", [])
    days = receipt.get("segment_begins_on", [])
    due = [
        f"{format_number(units)} on {format_day(dt.date.fromisoformat(day))}"
        for day, units in zip(days, arriving, strict=False)
        if units
    ]
    text = f"**{format_number(row['on_hand'])}** on hand, **{format_number(row['on_order'])}** on order"
    return f"{text} ({', '.join(due)} in time to count)." if due else f"{text}."


def _time(row: Mapping[str, Any], receipt: Mapping[str, Any]) -> str:
    lead = (row["arrives_on"] - row["as_of"]).days
    usual, late = receipt.get("lead_time_p50_days"), receipt.get("lead_time_p90_days")
    about = f"; of ten deliveries nine come within {format_number(late)}" if late and late > (usual or 0) else ""
    if "lead_time_p90_days" not in receipt and receipt.get("lead_time_sd_days"):
        about = f", give or take {format_number(receipt['lead_time_sd_days'])}"
    if receipt.get("wait_days"):
        about += f"; the vendor takes orders again in {count_of(receipt['wait_days'], 'day')}"
    return (
        f"An order placed on {format_day(row['as_of'])} can be sold from **{format_day(row['arrives_on'])}** "
        f"({count_of(lead, 'day')}{about}), and has to last until the next one can arrive, "
        f"**{format_day(row['covers_until'])}**."
    )


def _limits(receipt: Mapping[str, Any], sees_cost: bool) -> list[str]:
    """What binds beside demand. The note of a budget or a vendor's minimum tells money that rests on costs."""
    said = []
    if receipt.get("transfer_in"):
        said.append(f"**{format_number(receipt['transfer_in'])}** come from another store, and are taken as there.")
    if receipt.get("shelf_life_days"):
        said.append(f"It keeps for {count_of(receipt['shelf_life_days'], 'day')}, so no more than can be sold in time.")
    if receipt.get("budget_note") and sees_cost:
        said.append(f"Set by what all lines share: {receipt['budget_note']}.")
    elif receipt.get("budget_note"):
        said.append("Set by what all lines share: a budget, or what the vendor asks of an order.")
    return said


def _demand(row: Mapping[str, Any]) -> str:
    days = (row["covers_until"] - row["as_of"]).days
    return (
        f"Over those {count_of(days, 'day')} demand is expected to be **{format_units(row['expected_demand'])}**: "
        f"{format_units(row['demand_p50'])} or fewer half of the time, "
        f"{format_units(row['demand_p90'])} or fewer nine times in ten."
    )


def _evidence(receipt: Mapping[str, Any]) -> list[str]:
    masked = receipt.get("masked_weeks") or []
    method = str(receipt.get("method") or "").replace("_", " ")
    said = []
    if masked:
        verb = "was" if len(masked) == 1 else "were"
        said.append(f"Of the last 13 weeks {len(masked)} {verb} mostly out of stock, and not read as low demand.")
    if method:
        said.append(f"Forecast by: {method}.")
    return said


def _target(receipt: Mapping[str, Any], currency: str, sees_cost: bool) -> str:
    share = format_share(receipt["tau"])
    if not sees_cost:
        return f"The order aims to be enough in **{share}** of the cases."
    short = _unit_money(receipt["shortage_cost_per_unit"], currency)
    hold = _unit_money(receipt["holding_cost_per_unit_week"], currency)
    source = COST_SOURCES.get(str(receipt.get("cost_source")), str(receipt.get("cost_source")))
    return (
        f"Missing a sale costs {short}, keeping a unit {hold} a week ({source}), so the order aims to be enough in "
        f"**{share}** of the cases."
    )


def _unit_money(amount: float, currency: str) -> str:
    return format_money(amount, currency, 0 if amount >= 100 else 2)


def _quantity(row: Mapping[str, Any], receipt: Mapping[str, Any]) -> str:
    wanted, quantity = receipt["quantity_before_lots"], row["suggested_qty"]
    lots = []
    if receipt["pack_size"] > 1:
        lots.append(f"packs of {receipt['pack_size']}")
    if receipt["moq"] > 1:
        lots.append(f"at least {receipt['moq']} per order")
    if wanted == quantity or not lots:
        return f"That takes **{count_of(quantity, 'unit')}**."
    return f"That takes {count_of(wanted, 'unit')}; in {' and '.join(lots)} it becomes **{format_number(quantity)}**."
