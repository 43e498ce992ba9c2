"""What came of the last decision: drafts by their numbers, with the files to print them, until it is put away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from api.identity.principal import SignedIn
from dashboards.messages import open_note
from dashboards.problems import literal
from warehouse.formats import count_of, format_money, format_number

KEPT, DECISIONS = "outcome", "decisions"
EXPORT, ORDERS = "export:plain", "purchase:read"
MOST = 12


@dataclass(frozen=True)
class Outcome:
    """A decision that was taken. `orders` and `transfers` are as the API gives them: with earlier lines, too.

    `left`: lines that hindered the others and stay open. `vendors`: what their codes are called.
    """

    verb: str
    lines: int
    orders: tuple[Mapping[str, Any], ...] = ()
    transfers: tuple[Mapping[str, Any], ...] = ()
    name: str = ""
    left: int = 0
    vendors: Mapping[str, str] = field(default_factory=dict)
    quantities: tuple[int, int] | None = None


def keep_outcome(outcome: Outcome) -> None:
    """Show it from the next run on; the ticks in the list are of what was before."""
    st.session_state[KEPT] = outcome
    st.session_state[DECISIONS] = decisions() + 1


def decisions() -> int:
    """How many this page has taken: part of the list's key, so that each begins without ticks."""
    return int(st.session_state.get(DECISIONS, 0))


def show_outcome(user: SignedIn, currency: str) -> None:
    """The message, if there is one."""
    outcome: Outcome | None = st.session_state.get(KEPT)
    if outcome is None:
        return
    with open_note(_headline(outcome), "check_circle", "put-away", _put_away):
        drafts = [
            *(_say_order(row, outcome, currency) for row in outcome.orders),
            *map(_say_transfer, outcome.transfers),
        ]
        if drafts:
            st.markdown("\n".join(f"- {draft}" for draft in drafts[:MOST]))
        if len(drafts) > MOST:
            st.caption(f"… and {format_number(len(drafts) - MOST)} more: the column Draft names each.")
        if drafts:
            st.markdown(_say_next(outcome, user))


def _put_away() -> None:
    st.session_state.pop(KEPT, None)


def _headline(outcome: Outcome) -> str:
    if outcome.quantities is not None:
        before, now = outcome.quantities
        return (
            f"{literal(outcome.name)}: {format_number(now)} instead of {format_number(before)}. "
            "Approve it when it is right."
        )
    left = f" {count_of(outcome.left, 'line')} left open: above your limit, or not to be ordered as it is."
    return f"{count_of(outcome.lines, 'line')} {outcome.verb}.{left if outcome.left else ''}"


def _say_order(row: Mapping[str, Any], outcome: Outcome, currency: str) -> str:
    vendor = outcome.vendors.get(row["vendor_code"], row["vendor_code"])
    text = f"Draft order **{literal(row['order_ref'])}** to {literal(vendor)} "
    text += f"for {literal(row['store_code'])}, {count_of(row['lines'], 'line')} in all"
    if row.get("cost_amount") is not None:
        text += f", {format_money(float(row['cost_amount']), currency)}"
    return f"{text} :orange[(below what the vendor accepts as an order)]" if row["is_below_minimum"] else text


def _say_transfer(row: Mapping[str, Any]) -> str:
    return (
        f"**Transfer {row['stock_transfer_id']}** from {literal(row['from_store_code'])} to "
        f"{literal(row['to_store_code'])}, {count_of(row['lines'], 'line')} and {count_of(row['units'], 'unit')} in all"
    )


def _say_next(outcome: Outcome, user: SignedIn) -> str:
    where = "under [Orders](/orders)" if user.grants.allows(ORDERS) else "by whoever approves purchases"
    print_them = f" To print: {_links(outcome)}." if user.grants.allows(EXPORT) else ""
    return f"Nothing is sent yet: orders are approved and sent {where}.{print_them}"


def _links(outcome: Outcome) -> str:
    kinds = [kind for kind in ("orders", "transfers") if getattr(outcome, kind)]
    return " · ".join(
        f"[{kind} as {words}](/api/v1/lists/{kind}?form={form})"
        for kind in kinds
        for form, words in (("pdf", "PDF"), ("xlsx", "Excel"))
    )
