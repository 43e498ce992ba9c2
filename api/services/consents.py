"""Consents: what a customer allowed, purpose by purpose. Each word is kept; the latest of a purpose holds."""

from __future__ import annotations

from typing import Any

from api.services.action import Action, Row
from api.services.customers import check_customer, check_exists

PURPOSES = ("marketing", "reminders", "analytics", "data_sharing")
COLUMNS = "customer_consent_id, purpose, is_granted, source, recorded_at, recorded_by"


async def show_consents(action: Action, customer_id: int) -> Row:
    """What holds now (a purpose nobody asked about is not granted), and every word there was, the latest first.

    Raises NotFound, OutOfReach.
    """
    await check_exists(action, customer_id)
    history = await action.rows(
        f"SELECT {COLUMNS} FROM customer_consents WHERE customer_id = %(customer)s ORDER BY customer_consent_id DESC",
        customer=customer_id,
    )
    latest: dict[str, Row] = {}
    for row in history:
        latest.setdefault(row["purpose"], row)
    current = [
        {
            "purpose": purpose,
            "is_granted": purpose in latest and latest[purpose]["is_granted"],
            "since": latest[purpose]["recorded_at"] if purpose in latest else None,
        }
        for purpose in PURPOSES
    ]
    return {"customer_id": customer_id, "current": current, "history": history}


async def record_consent(action: Action, customer_id: int, values: dict[str, Any]) -> Row:
    """What the customer says now about one purpose. Raises NotFound, OutOfReach, Conflict (erased)."""
    customer = await check_customer(action, customer_id)
    row = await action.one(
        "INSERT INTO customer_consents (customer_id, purpose, is_granted, source, recorded_by) VALUES (%(customer)s,"
        f" %(purpose)s, %(is_granted)s, %(source)s, %(user)s) RETURNING {COLUMNS}",
        customer=customer_id,
        user=action.user.user_id,
        **values,
    )
    kind = "consent.given" if values["is_granted"] else "consent.withdrawn"
    after = {"purpose": values["purpose"], "channel": values["source"], "is_granted": values["is_granted"]}
    action.note(kind, "customer", customer_id, store_id=customer["home_store_id"], after=after)
    return row
