"""Moving orders on, many at once: the buttons above the list, the question before, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import stores_of
from api.services.purchasing_state import possible_steps
from dashboards.api_client import Declined, ask_api
from dashboards.messages import open_note
from dashboards.orders.words import Row, vendor_of
from dashboards.problems import literal, show_problem, words_of
from warehouse.formats import count_of, format_money, format_number

ASKED, BECAME = "orders-asking", "orders-became"
APPROVE, DRAFT = "purchase:approve", "purchase:draft"
MOST_NAMED = 12


@dataclass(frozen=True)
class Step:
    """What who holds `permission` does to an order that may take it; `is_for_all`: in one click, to all."""

    name: str
    permission: str
    verb: str
    done: str
    icon: str
    is_for_all: bool = False


STEPS = {
    step.name: step
    for step in (
        Step("approve", APPROVE, "Approve", "approved", "check", True),
        Step("send", APPROVE, "Send", "sent", "send", True),
        Step("acknowledge", APPROVE, "Confirmed by the vendor", "marked as confirmed", "handshake"),
        Step("cancel", DRAFT, "Cancel", "cancelled", "block"),
    )
}
SAYS = {
    "approve": "They can then be sent. Nothing goes to a vendor yet.",
    "send": "A vendor with a mail address gets it by mail; for the others, print it. From now on it is on order.",
    "acknowledge": "The vendor has said that the order will come as it was sent.",
    "cancel": "What has not come is given up; what is still missing then, the next run suggests anew.",
}


@dataclass(frozen=True)
class Became:
    """What became of a step: how many orders it moved on, and why the others stayed."""

    step: str
    moved: int
    refused: tuple[tuple[str, str], ...] = ()


def may_move(user: SignedIn) -> bool:
    """Whether there is anything for the user to press."""
    return any(user.grants.allows(step.permission) for step in STEPS.values())


def movable(user: SignedIn, step: Step, rows: Sequence[Row]) -> list[Row]:
    """Those the step is possible for; the API holds to the same, and to more: nobody approves what they asked for."""
    if not user.grants.allows(step.permission):
        return []
    stores = stores_of(user, step.permission)
    mine = user.user_id if step.name == "approve" else None
    return [
        row
        for row in rows
        if step.name in possible_steps(row)
        and row.get("created_by") != mine
        and (stores is None or row.get("delivery_store_code") in stores)
        and (row["status"] == "draft" or user.grants.allows(APPROVE))
    ]


def show_bar(user: SignedIn, rows: Sequence[Row], ticked: Sequence[Row]) -> None:
    """The steps that the ticked orders may take; with none ticked, those that all may take at once."""
    if not may_move(user):
        return
    offered = [(step, movable(user, step, ticked or rows)) for step in STEPS.values() if ticked or step.is_for_all]
    offered = [(step, able) for step, able in offered if able]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for at, (step, able) in enumerate(offered):
            st.button(
                f"{step.verb}{'' if ticked else ' all'}: {count_of(len(able), 'order')}",
                icon=f":material/{step.icon}:",
                type="primary" if ticked and at == 0 else "secondary",
                key=f"orders-{step.name}",
                on_click=_ask,
                args=(step.name, tuple(row["purchase_order_id"] for row in able)),
            )
        if not ticked:
            own = len([row for row in rows if row["status"] == "draft" and row.get("created_by") == user.user_id])
            is_own = f" {count_of(own, 'draft')} of your own: somebody else approves them." if own else ""
            st.caption(f"Tick orders to move them on or cancel them; click one to see its lines.{is_own}")
        elif not offered:
            st.caption("Nothing to be done: closed, drafts of your own, or orders of the chain's own files.")


def show_became() -> None:
    """What the last step did, until it is put away or the next one is asked for."""
    became: Became | None = st.session_state.get(BECAME)
    if became is None:
        return
    step = STEPS[became.step]
    moved = f"{count_of(became.moved, 'order')} {step.done}."
    with open_note(moved, step.icon, "orders-put-away", _put_away):
        if became.refused:
            st.markdown(f"{count_of(len(became.refused), 'order')} not {step.done}:\n\n{_say_why(became.refused)}")


def _say_why(refused: Sequence[tuple[str, str]]) -> str:
    """Each reason once, with the orders that it holds for."""
    refs: dict[str, list[str]] = {}
    for ref, why in refused:
        refs.setdefault(why, []).append(ref)
    return "\n".join(
        f"- {why} **{literal(', '.join(named[:MOST_NAMED]))}**"
        + (f" and {format_number(len(named) - MOST_NAMED)} more" if len(named) > MOST_NAMED else "")
        for why, named in refs.items()
    )


def show_dialog(rows: Sequence[Row], currency: str) -> None:
    """The question that was asked for, until it is answered or dismissed."""
    asked: tuple[str, tuple[int, ...]] | None = st.session_state.get(ASKED)
    if asked is None:
        return
    step, chosen = STEPS[asked[0]], [row for row in rows if row["purchase_order_id"] in asked[1]]
    if len(chosen) < len(asked[1]):
        _forget()
        st.toast("The list is another now: choose from it.", icon=":material/sync:")
        return
    st.dialog(f"{step.verb}: {count_of(len(chosen), 'order')}?", on_dismiss=_forget)(_fill)(step, chosen, currency)


def _put_away() -> None:
    st.session_state.pop(BECAME, None)


def _ask(name: str, ids: tuple[int, ...]) -> None:
    _put_away()
    st.session_state[ASKED] = (name, ids)


def _forget() -> None:
    st.session_state.pop(ASKED, None)


def _fill(step: Step, chosen: list[Row], currency: str) -> None:
    st.markdown("\n".join(f"- {_say(row, currency)}" for row in chosen[:MOST_NAMED]))
    if len(chosen) > MOST_NAMED:
        st.caption(f"… and {len(chosen) - MOST_NAMED} more.")
    reason = st.text_input("Why", max_chars=200, key="orders-why").strip() if step.name == "cancel" else ""
    st.caption(SAYS[step.name])
    is_ready = bool(reason) or step.name != "cancel"
    if st.button(step.verb, type="primary", key=f"orders-do-{step.name}", disabled=not is_ready):
        _move(step, chosen, {"reason": reason} if step.name == "cancel" else None)


def _move(step: Step, chosen: list[Row], body: dict[str, str] | None) -> None:
    """One after the other: an order that may not move on hinders no other. Ends where nobody answers any more."""
    refused = list[tuple[str, str]]()
    progress = st.progress(0.0) if len(chosen) > 1 else None
    for count, row in enumerate(chosen, start=1):
        try:
            ask_api("POST", f"/purchase-orders/{row['purchase_order_id']}/{step.name}", body)
        except Declined as refusal:
            if refusal.status in {0, 401}:
                show_problem(refusal)
                return
            refused.append((row["order_ref"], literal(refusal.detail) or words_of(refusal)[1]))
        if progress is not None:
            progress.progress(count / len(chosen))
    _forget()
    st.session_state[BECAME] = Became(step.name, len(chosen) - len(refused), tuple(refused))
    st.rerun()


def _say(row: Row, currency: str) -> str:
    text = f"**{literal(row['order_ref'])}** to {literal(vendor_of(row))}, {count_of(row['units'], 'unit')}"
    return f"{text}, {format_money(float(row['cost_amount']), currency)}" if "cost_amount" in row else text
