"""Who was kept long enough: customers without any activity for the years that the chain keeps them, then erased."""

from __future__ import annotations

import datetime as dt

from api.services.action import Action
from api.services.privacy_erasure import OPEN_STATUSES

SETTING = "customer_retention_years"
YEARS = 8  # where the setting says nothing else
# every table that refers to a customer (or a patient), with the day that tells when they were last seen; a test
# compares it with the schema's references
ACTIVITY = {
    ("sales_orders", "customer_id"): "ordered_on",
    ("eye_test_queue", "customer_id"): "queued_on",
    ("walkouts", "customer_id"): "walked_out_on",
    ("customer_consents", "customer_id"): "recorded_at",
    ("patients", "customer_id"): "created_at",
    ("sales_orders", "patient_id"): "ordered_on",
    ("eye_test_queue", "patient_id"): "queued_on",
    ("eye_tests", "patient_id"): "tested_on",
    ("prescriptions", "patient_id"): "valid_until_on",
}


async def read_years(action: Action) -> int:
    """How many years the chain keeps customers who do not come any more."""
    value = await action.value("SELECT value FROM chain_settings WHERE key = %(key)s", key=SETTING)
    try:
        years = int(value)
    except (TypeError, ValueError):
        return YEARS
    return years if years > 0 else YEARS


async def find_due(action: Action, before_on: dt.date, limit: int | None = None) -> list[int]:
    """The customers last seen before that day, the oldest first; those with an open order are not among them.

    Who was never seen since they were recorded counts from then.
    """
    rows = await action.rows(
        f"SELECT c.customer_id FROM customers AS c WHERE c.erased_at IS NULL"
        f" AND NOT {_seen('%(before)s')} AND (c.created_at < %(before)s OR {_seen('-infinity')})"
        " AND NOT EXISTS (SELECT FROM sales_orders AS o WHERE o.customer_id = c.customer_id"
        " AND o.status = ANY(%(open)s)) ORDER BY c.customer_id LIMIT %(limit)s",
        before=before_on,
        open=list(OPEN_STATUSES),
        limit=limit,
    )
    return [row["customer_id"] for row in rows]


def _seen(since: str) -> str:
    """The condition that customer `c` was seen on that day or later."""
    moment = since if since.startswith("%") else f"'{since}'::date"
    found = []
    for (table, column), day in ACTIVITY.items():
        whose = "a.customer_id = c.customer_id"
        if column == "patient_id":
            whose = "a.patient_id IN (SELECT p.patient_id FROM patients AS p WHERE p.customer_id = c.customer_id)"
        found.append(f"EXISTS (SELECT FROM {table} AS a WHERE {whose} AND a.{day} >= {moment})")
    return f"({' OR '.join(found)})"
