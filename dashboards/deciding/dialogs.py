"""The three questions before something is written: approve, refuse, another quantity. Each is sent once, by its key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from api.identity.scope import Scope
from api.services.suggestion_summary import Party, Worth, worth_of
from api.suggestions import find_suggestion
from dashboards.api_client import Answer, Declined, ask_api, new_key
from dashboards.deciding.lines import Row
from dashboards.deciding.outcome import Outcome, keep_outcome
from dashboards.deciding.reasons import ask_reason
from dashboards.installation import operational, signed_in
from dashboards.messages import say_session_ended
from dashboards.problems import literal, show_problem
from warehouse.formats import count_of, format_money, format_number

ASKED = "asking"
MOST_NAMED = 8  # of refused lines
MOST_PARTIES = 40


@dataclass(frozen=True)
class Asking:
    """What is being asked, of which suggestions; `key` names the write it may lead to."""

    step: str
    ids: tuple[int, ...]
    key: str


def ask(step: str, ids: tuple[int, ...]) -> None:
    """Open the dialog with the next run: `approve`, `refuse` or `edit`. For a button's callback."""
    st.session_state[ASKED] = Asking(step, ids, new_key())


def show_dialog(rows: Sequence[Row], currency: str, scope: Scope) -> None:
    """The dialog that was asked for, until it is answered or dismissed; it outlives a page that is drawn anew."""
    asking: Asking | None = st.session_state.get(ASKED)
    if asking is None:
        return
    named = [row for row in rows if row["suggestion_id"] in asking.ids]
    if len(named) < len(asking.ids):  # clicked on a list that was just being drawn anew, of another store perhaps
        _forget()
        st.toast("The list is another now: choose from it.", icon=":material/sync:")
        return
    lines = count_of(len(asking.ids), "line")
    title = {"approve": f"Approve {lines}?", "refuse": f"Refuse {lines}?", "edit": "Another quantity"}[asking.step]
    dialog = st.dialog(title, on_dismiss=_forget)
    if asking.step == "approve":
        dialog(_approve)(asking, currency)
    elif asking.step == "refuse":
        dialog(_refuse)(asking, [f"{row['product_name']} · {row['store_code']}" for row in named])
    else:
        dialog(_edit)(asking, named[0], scope)


def _forget() -> None:
    st.session_state.pop(ASKED, None)


def _finish(outcome: Outcome) -> None:
    _forget()
    keep_outcome(outcome)
    st.rerun()


def _approve(asking: Asking, currency: str) -> None:
    user, key = signed_in(), asking.key
    if user is None:  # asked anew: a dialog is drawn without the page around it
        say_session_ended()
        return
    ids = list(asking.ids)
    with operational().connect() as connection:
        worth = worth_of(connection, ids, sees_cost=user.grants.allows("cost:read"))
    confirmed = st.session_state.setdefault(f"confirmed-{key}", worth)
    told = st.container()  # above a list that may be long
    st.markdown(_say_worth(worth, currency))
    st.markdown("\n".join(f"- {_say_party(party, currency)}" for party in worth.parties[:MOST_PARTIES]))
    if len(worth.parties) > MOST_PARTIES:
        st.caption(f"… and {len(worth.parties) - MOST_PARTIES} more.")
    note = st.text_input("Note", max_chars=200, placeholder="If there is anything to say", key=f"note-{key}")
    st.caption(
        "What is bought becomes draft orders, what is moved requested transfers. Nothing is sent to a vendor yet."
    )
    is_pressed = st.button(f"Approve {count_of(len(ids), 'line')}", type="primary", key=f"approve-{key}")
    leaves_out = bool(st.session_state.pop(f"leaves-out-{key}", False))
    if not is_pressed and not leaves_out:
        return
    if worth != confirmed:
        st.session_state[f"confirmed-{key}"] = worth
        told.warning("Somebody changed these lines while you read. Above is what they come to now: approve again.")
        return
    more = {"note": note.strip()} if note.strip() else {}
    with told:
        answer, approved = _send_those_that_may(ids, more, asking, leaves_out=leaves_out)
    if isinstance(answer, Answer):
        names = {party.name.partition(" · ")[0]: party.name for party in worth.parties if party.name}
        orders, transfers = (tuple(answer.body[kind]) for kind in ("orders", "transfers"))
        left = len(ids) - len(approved)
        _finish(Outcome("approved", len(approved), orders, transfers, vendors=names, left=left))


def _send_those_that_may(
    ids: list[int], more: Mapping[str, Any], asking: Asking, *, leaves_out: bool
) -> tuple[Answer | Declined, list[int]]:
    """All or none is approved; with `leaves_out`, all but those that hinder the others: one vendor's are named at a
    time. The answer and the lines it is about; a refusal is shown, with the way to leave out."""
    while True:
        try:
            body = {"ids": ids, **more}
            return ask_api("POST", "/suggestions/approve", body, key=f"{asking.key}-{len(ids)}"), ids
        except Declined as refusal:
            one = refusal.members.get("suggestion_id")
            hindering = {*refusal.members.get("suggestion_ids", [one])} & {*ids}
            can_leave_out = bool(hindering) and len(hindering) < len(ids)
            if not (leaves_out and can_leave_out):
                show_problem(refusal)
                if can_leave_out:
                    st.button("Leave out what hinders, approve the rest", on_click=_leave_out, args=(asking.key,))
                return refusal, ids
            ids = [each for each in ids if each not in hindering]


def _leave_out(key: str) -> None:
    st.session_state[f"leaves-out-{key}"] = True


def _refuse(asking: Asking, names: list[str]) -> None:
    ids, key = list(asking.ids), asking.key
    st.markdown("\n".join(f"- {literal(name)}" for name in names[:MOST_NAMED]))
    if len(names) > MOST_NAMED:
        st.caption(f"… and {len(names) - MOST_NAMED} more.")
    reason = ask_reason(key)
    if not st.button(f"Refuse {count_of(len(ids), 'line')}", type="primary", key=f"refuse-{key}", disabled=not reason):
        return
    answer = _send("POST", "/suggestions/refuse", {"ids": ids, **(reason or {})}, key=key)
    if not isinstance(answer, Declined):
        _finish(Outcome("refused", len(ids)))


def _edit(asking: Asking, row: Row, scope: Scope) -> None:
    identity, key = row["suggestion_id"], asking.key
    if f"seen-{key}" not in st.session_state:
        seen = _send("GET", f"/suggestions/{identity}")
        if isinstance(seen, Declined):
            return
        st.session_state[f"seen-{key}"] = seen
    seen = st.session_state[f"seen-{key}"]
    pack, current = _pack_of(identity, scope), int(seen.body.get("approved_qty") or seen.body["suggested_qty"])
    st.markdown(f"**{literal(row['product_name'])}** · {literal(row['store_name'])}")
    quantity = st.number_input(
        "Quantity",
        min_value=1,
        max_value=1_000_000,
        value=current,
        step=pack,
        key=f"quantity-{key}",
        help=f"Suggested: {format_number(row['suggested_qty'])}."
        + (f" It comes in packs of {pack}." if pack > 1 else ""),
    )
    fault = st.empty()
    reason = ask_reason(key)
    if not st.button("Change the quantity", type="primary", key=f"change-{key}", disabled=not reason):
        return
    if quantity == current:
        fault.caption(":red[That is what is wanted already.]")
        return
    answer = _send("PATCH", f"/suggestions/{identity}", {"quantity": quantity, **(reason or {})}, tag=seen.tag)
    if isinstance(answer, Declined):
        if said := answer.fault("quantity"):
            fault.caption(f":red[The quantity {literal(said)}.]")
        return
    _finish(Outcome("changed", 1, name=row["product_name"], quantities=(row["suggested_qty"], quantity)))


def _pack_of(suggestion_id: int, scope: Scope) -> int:
    with operational().connect() as connection:
        found = find_suggestion(connection, suggestion_id, stores=scope.store_codes)
    return max(int(((found or {}).get("receipt") or {}).get("pack_size") or 1), 1)


def _send(method: str, path: str, body: Mapping[str, Any] | None = None, **more: str | None) -> Answer | Declined:
    """The answer, or the refusal, which is shown."""
    try:
        return ask_api(method, path, body, **more)
    except Declined as refusal:
        show_problem(refusal)
        return refusal


def _say_worth(worth: Worth, currency: str) -> str:
    text = f"**{count_of(worth.units, 'unit')}**, {format_money(worth.at_stake, currency)} at stake"
    return f"{text}, **{format_money(worth.cost_amount, currency)}** to pay." if worth.cost_amount else f"{text}."


def _say_party(party: Party, currency: str) -> str:
    act = "Move from store" if party.kind == "transfer" else "Buy from"
    text = f"{act} **{literal(party.name or 'no vendor')}**: {count_of(party.lines, 'line')}, "
    text += count_of(party.units, "unit")
    return text if party.cost_amount is None else f"{text}, {format_money(party.cost_amount, currency)}"
