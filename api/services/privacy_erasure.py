"""Erasing a person: what names them goes, what the chain must account for stays under a pseudonym.

Orders, invoices, payments, prescriptions and the ledger keep their keys and amounts. Nothing says who it was: not in
stored answers, not in messages, not in what people typed. Doing it twice does it once.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from typing import Any

from psycopg import sql

from api.refusals import Conflict
from api.schema.customers import PERSONAL
from api.services.action import Action, Row
from api.services.customers import check_exists
from api.services.privacy_export import addressed
from api.services.privacy_map import ROOT, find_held, read_keys, read_rows
from api.services.privacy_pseudonyms import pseudonym as pseudonym_of

HIDDEN = "…"
OPEN_STATUSES = ("draft", "confirmed", "processing", "ready")
# what people type about a customer, which may say anything; None where the column may be empty
FREE_TEXTS: dict[str, dict[str, str | None]] = {
    "sales_orders": {"cancel_reason": None},
    "sales_returns": {"reason": HIDDEN},
    "discount_approvals": {"reason": None},
}
# other texts of the tables below a customer that stay: numbers of documents, which the law keeps
KEPT_TEXTS: dict[str, tuple[str, ...]] = {
    "customers": ("pseudonym", "erased_code_hash"),
    "patients": ("patient_ref",),
    "eye_tests": ("eye_test_ref",),
    "walkouts": ("walkout_ref",),
    "sales_orders": ("order_ref", "order_number", "invoice_number", "place_of_supply"),
    "sales_order_lines": ("line_ref",),
    "payments": ("reference", "payment_ref"),
    "sales_returns": ("return_number", "credit_note_number"),
    "prescriptions": ("prescription_number",),
    "prescription_eyes": ("visual_acuity",),
    "lab_jobs": ("job_number",),
}
OPEN_ORDERS = (
    "SELECT sales_order_id FROM sales_orders WHERE customer_id = %(key)s AND status = ANY(%(open)s) ORDER BY 1"
)
# not the code itself: an import asks for it, and nobody else can tell whose it was
REMEMBER = "UPDATE customers SET erased_code_hash = %(hash)s WHERE customer_id = %(key)s"
LOCK = "SELECT erased_at FROM customers WHERE customer_id = %(key)s FOR UPDATE"
# members by which a stored answer is known to be about somebody, and the table whose keys they are
ANSWERED = {
    "customer_id": "customers",
    "patient_id": "patients",
    "prescription_id": "prescriptions",
    "sales_order_id": "sales_orders",
    "sales_return_id": "sales_returns",
}
ANSWERS = """
    SELECT user_id, key, content FROM idempotency_keys
     WHERE content IS NOT NULL AND convert_from(content, 'UTF8') ~ %(about)s FOR UPDATE
"""
MESSAGES = """
    UPDATE outbox_messages
       SET payload = (SELECT coalesce(jsonb_object_agg(name, to_jsonb(%(hidden)s::text)), '{}')
                        FROM jsonb_object_keys(payload) AS name),
           recipient = CASE WHEN recipient = ANY(%(addresses)s) THEN %(pseudonym)s ELSE recipient END,
           subject = %(hidden)s, receipt = NULL, last_error = NULL,
           state = CASE WHEN state = 'pending' THEN 'dead' ELSE state END
     WHERE recipient = ANY(%(addresses)s) OR payload->>'customer_id' = %(customer)s::text
        OR payload->>'reference' = ANY(%(references)s)
    RETURNING message_id
"""
# what a mail server answered may quote the address
DELIVERIES = "UPDATE outbox_deliveries SET error = NULL, receipt = NULL WHERE message_id = ANY(%(messages)s)"


async def erase_customer(action: Action, customer_id: int) -> Row:
    """Erase a customer and the household; doing it again tells the same. Raises NotFound, Conflict (open orders)."""
    await check_exists(action, customer_id)
    before = await action.one(LOCK, key=customer_id)
    if before["erased_at"] is None:
        await _check_nothing_open(action, customer_id)
        await _erase(action, customer_id)
        action.note("privacy.erased", "customer", customer_id, after={"customer_id": customer_id})
    return await action.one(
        "SELECT customer_id, pseudonym, erased_at FROM customers WHERE customer_id = %(key)s", key=customer_id
    )


async def _check_nothing_open(action: Action, customer_id: int) -> None:
    found = await action.rows(OPEN_ORDERS, key=customer_id, open=list(OPEN_STATUSES))
    if found:
        raise Conflict(
            "open-orders",
            "The customer has orders that are not delivered; deliver or cancel them first.",
            sales_order_ids=[row["sales_order_id"] for row in found],
        )


async def _erase(action: Action, customer_id: int) -> None:
    held, keys = await find_held(action, customer_id), await read_keys(action)
    (customer,) = await read_rows(action, ROOT, keys[ROOT], held[ROOT])
    orders = await read_rows(action, "sales_orders", keys["sales_orders"], held["sales_orders"])
    pseudonym = f"erased-{secrets.token_hex(8)}"
    messages = addressed(customer, orders)
    await _erase_answers(action, held)
    await _erase_messages(action, messages, pseudonym)
    code_hash = pseudonym_of("customer_code", customer["customer_code"])
    for table, ids in held.items():
        blanks: dict[str, Any] = {**dict.fromkeys(PERSONAL.get(table, ())), **FREE_TEXTS.get(table, {})}
        if blanks:
            await _blank(action, table, keys[table], ids, blanks, pseudonym)
    await action.execute(REMEMBER, hash=code_hash, key=customer_id)


async def _blank(action: Action, table: str, key: str, ids: list[int], blanks: dict[str, Any], pseudonym: str) -> None:
    """Blank these columns; those that must hold something, only where they did."""
    named = {name: sql.Identifier(name) for name in blanks if name != "customer_code"}
    sets: list[sql.Composable] = [
        sql.SQL("{0} = CASE WHEN {0} IS NOT NULL THEN {1} END").format(column, sql.Literal(blanks[name]))
        if blanks[name] is not None
        else sql.SQL("{} = NULL").format(column)
        for name, column in named.items()
    ]
    if table == ROOT:
        sets.append(sql.SQL("customer_code = {0}, pseudonym = {0}").format(sql.Literal(pseudonym)))
    if table in {ROOT, "patients"}:
        sets.append(sql.SQL("erased_at = now()"))
    statement = sql.SQL("UPDATE {} SET {} WHERE {} = ANY(%(ids)s)").format(
        sql.Identifier(table), sql.SQL(", ").join(sets), sql.Identifier(key)
    )
    await action.execute(statement.as_string(), ids=ids)


async def _erase_messages(action: Action, messages: dict[str, Any], pseudonym: str) -> None:
    found = await action.rows(MESSAGES, hidden=HIDDEN, pseudonym=pseudonym, **messages)
    await action.execute(DELIVERIES, messages=[row["message_id"] for row in found])


async def _erase_answers(action: Action, held: dict[str, list[int]]) -> None:
    """Answers kept for their Idempotency-Key: sent again, the request still does nothing twice, and tells nobody."""
    about = "|".join(
        f'{member}":({"|".join(map(str, held[table]))})' for member, table in ANSWERED.items() if held.get(table)
    )
    personal = {name for names in PERSONAL.values() for name in names} | {"patient_name"}
    personal |= {name for names in FREE_TEXTS.values() for name in names}
    for row in await action.rows(ANSWERS, about=f'"({about})[,}}]'):
        content = json.dumps(_without(json.loads(bytes(row["content"])), personal), separators=(",", ":"))
        await action.execute(
            "UPDATE idempotency_keys SET content = %(content)s WHERE user_id = %(user)s AND key = %(key)s",
            content=content.encode(),
            user=row["user_id"],
            key=row["key"],
        )


def _without(value: Any, names: Iterable[str]) -> Any:
    """The document without members of these names, at any depth."""
    if isinstance(value, dict):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list) else value
