"""Patients: the members of a customer's household whose eyes are tested. They are in reach where their customer is."""

from __future__ import annotations

import datetime as dt
from typing import Any

from api.refusals import Fault, Invalid, OutOfReach
from api.schema.customers import PERSONAL
from api.services.action import Action, Row
from api.services.audit import changes as differences
from api.services.customers import check_customer, check_exists, check_not_erased, is_near, reached
from api.services.ledger import business_day
from api.services.paging import Page, Paging
from api.services.privacy_masking import show_patient_as

LOCK = "SELECT 1 FROM patients WHERE patient_id = %(key)s FOR UPDATE"
COLUMNS = "p.patient_id, p.customer_id, p.full_name, p.born_on, p.gender, p.erased_at, p.created_at, p.updated_at"
HIDDEN = frozenset(PERSONAL["patients"])


async def list_patients(action: Action, paging: Paging, customer_id: int) -> Page:
    """The household of a customer. Raises NotFound, OutOfReach."""
    rows = await action.rows(
        f"SELECT {COLUMNS}, {is_near('read')} AS is_open FROM patients AS p JOIN customers AS c USING (customer_id)"
        f" WHERE c.customer_id = %(customer)s AND p.patient_id < %(after)s AND {is_near('reached')}"
        " ORDER BY p.patient_id DESC LIMIT %(limit)s",
        customer=customer_id,
        after=paging.after_id(),
        read=reached(action, "customer:read"),
        reached=reached(action),
        limit=paging.fetch,
    )
    if not rows:
        await check_exists(action, customer_id)
    return paging.page([show_patient_as(row) for row in rows], ("patient_id",))


async def show_patient(action: Action, patient_id: int) -> Row:
    """One patient, masked for whoever may not read their customer. Raises NotFound, OutOfReach."""
    row = await action.row(
        f"SELECT {COLUMNS}, {is_near('read')} AS is_open, {is_near('reached')} AS is_reached"
        " FROM patients AS p JOIN customers AS c USING (customer_id) WHERE p.patient_id = %(key)s",
        key=patient_id,
        read=reached(action, "customer:read"),
        reached=reached(action),
    )
    if row is None:
        raise await action.missing("patients", patient_id, "patient")
    if not row.pop("is_reached"):
        raise OutOfReach("store-out-of-scope", "Your account does not cover the stores of this patient.")
    return show_patient_as(row)


async def add_patient(action: Action, customer_id: int, values: dict[str, Any]) -> Row:
    """A new member of a customer's household. Raises NotFound, OutOfReach, Conflict (erased)."""
    customer = await check_customer(action, customer_id)
    await _check_birthday(action, values["born_on"])
    row = await action.one(
        "INSERT INTO patients (customer_id, full_name, born_on, gender) VALUES (%(customer)s, %(full_name)s,"
        " %(born_on)s, %(gender)s) RETURNING patient_id",
        customer=customer_id,
        **values,
    )
    after = {"customer_id": customer_id, **dict.fromkeys((n for n, v in values.items() if v is not None), "…")}
    action.note("patient.created", "patient", row["patient_id"], store_id=customer["home_store_id"], after=after)
    return await show_patient(action, row["patient_id"])


async def change_patient(action: Action, patient_id: int, changes: dict[str, Any]) -> Row:
    """Change the members that are given. Raises NotFound, OutOfReach, Conflict (erased)."""
    before = await show_patient(action, patient_id)
    check_not_erased(before)
    if "full_name" in changes and changes["full_name"] is None:
        raise Invalid("name-needed", "A patient has a name.", Fault("full_name", "must not be empty"))
    if not changes:
        return before
    await _check_birthday(action, changes.get("born_on"))
    await action.update("patients", "patient_id", patient_id, changes)
    was, now = differences(before, {**before, **changes}, personal=HIDDEN)
    action.note("patient.changed", "patient", patient_id, before=was, after=now)
    return await show_patient(action, patient_id)


async def check_patient(action: Action, patient_id: int) -> Row:
    """The patient's keys and birthday, when the action may touch them. Raises NotFound, OutOfReach, Conflict."""
    row = await action.row(
        f"SELECT p.patient_id, p.customer_id, p.born_on, p.erased_at, {is_near('reached')} AS is_reached"
        " FROM patients AS p JOIN customers AS c USING (customer_id) WHERE p.patient_id = %(key)s",
        key=patient_id,
        reached=reached(action),
    )
    if row is None:
        raise await action.missing("patients", patient_id, "patient")
    if not row["is_reached"]:
        raise OutOfReach("store-out-of-scope", "Your account does not cover the stores of this patient.")
    check_not_erased(row)
    return row


async def _check_birthday(action: Action, born_on: dt.date | None) -> None:
    if born_on is not None and born_on > await business_day(action):
        rule = "must not lie in the future"
        raise Invalid("born-later", f"A birthday {rule}.", Fault("born_on", rule))
