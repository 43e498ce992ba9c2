"""The queue for eye tests: a token for each who waits, from 1 on each day in each store, and how long they waited."""

from __future__ import annotations

import datetime as dt
from typing import Any

from api.refusals import Conflict, Fault, Invalid
from api.services.action import Action, Row
from api.services.customers import check_customer
from api.services.ledger import business_day
from api.services.paging import Page, Paging
from api.services.patients import check_patient

COLUMNS = (
    "eye_test_queue_id, store_id, queued_on, token, customer_id, patient_id, reason, state, queued_at, started_at,"
    " completed_at, updated_at"
)
# whole minutes until the test began, or until now; who left without one did not wait for it
WAITED = (
    "CASE WHEN started_at IS NOT NULL OR state = 'waiting'"
    " THEN (extract(epoch FROM coalesce(started_at, now()) - queued_at) / 60)::integer END AS waited_minutes"
)
SUMMARY = """
    SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
           count(*) FILTER (WHERE state = 'in_progress') AS in_progress,
           count(*) FILTER (WHERE state = 'completed') AS completed,
           count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE state = 'no_show') AS no_show,
           (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - queued_at))
               / 60)::numeric(9, 1) AS median_wait_minutes,
           (max(extract(epoch FROM now() - queued_at)) FILTER (WHERE state = 'waiting')
               / 60)::integer AS longest_waiting_minutes
      FROM eye_test_queue WHERE store_id = %(store)s AND queued_on = %(day)s
"""
LEAVES = {"cancelled": "cancelled", "no_show": "marked as not there"}


async def list_queue(
    action: Action, paging: Paging, store_id: int, day: dt.date | None = None, state: str | None = None
) -> Page:
    """A store's queue of one day (today), the latest token first. Raises OutOfReach."""
    action.check_store(store_id)
    rows = await action.rows(
        f"SELECT {COLUMNS}, {WAITED} FROM eye_test_queue WHERE store_id = %(store)s AND queued_on = %(day)s"
        " AND token < %(after)s AND (%(state)s::text IS NULL OR state = %(state)s)"
        " ORDER BY token DESC LIMIT %(limit)s",
        store=store_id,
        day=day or await business_day(action),
        after=paging.after_id(),
        state=state,
        limit=paging.fetch,
    )
    return paging.page(rows, ("token",))


async def summarise_queue(action: Action, store_id: int, day: dt.date | None = None) -> Row:
    """How many wait, were served, left; and how long it took, on one day (today). Raises OutOfReach."""
    action.check_store(store_id)
    day = day or await business_day(action)
    return {"store_id": store_id, "queued_on": day, **await action.one(SUMMARY, store=store_id, day=day)}


async def show_entry(action: Action, entry_id: int) -> Row:
    """One who waits. Raises NotFound, OutOfReach."""
    row = await action.row(
        f"SELECT {COLUMNS}, {WAITED} FROM eye_test_queue WHERE eye_test_queue_id = %(key)s", key=entry_id
    )
    if row is None:
        raise await action.missing("eye_test_queue", entry_id, "queue entry")
    action.check_store(row["store_id"])
    return row


async def join_queue(action: Action, values: dict[str, Any]) -> Row:
    """The next token of the day, for a patient, a customer, or somebody not recorded yet.

    Raises OutOfReach, NotFound, Conflict (waiting already).
    """
    store_id, patient_id = values["store_id"], values["patient_id"]
    action.check_store(store_id)
    if patient_id is not None:
        patient = await check_patient(action, patient_id)
        if values["customer_id"] not in {None, patient["customer_id"]}:
            rule = "belongs to another customer"
            raise Invalid("patient-of-another", f"The patient {rule}.", Fault("patient_id", rule))
        values = {**values, "customer_id": patient["customer_id"]}
    elif values["customer_id"] is not None:
        await check_customer(action, values["customer_id"])
    day = await business_day(action)
    # tokens of one store and day are given one after the other
    await action.execute("SELECT pg_advisory_xact_lock(hashtextextended('ims token ' || %(s)s::text, 0))", s=store_id)
    if patient_id is not None:
        waiting = await action.value(
            "SELECT token FROM eye_test_queue WHERE store_id = %(store)s AND queued_on = %(day)s"
            " AND patient_id = %(patient)s AND state IN ('waiting', 'in_progress')",
            store=store_id,
            day=day,
            patient=patient_id,
        )
        if waiting is not None:
            raise Conflict("waiting-already", f"The patient waits already, with token {waiting}.", token=waiting)
    entry_id = await action.value(
        "INSERT INTO eye_test_queue (store_id, queued_on, token, customer_id, patient_id, reason, queued_at)"
        " SELECT %(store_id)s, %(day)s, coalesce(max(token), 0) + 1, %(customer_id)s::bigint, %(patient_id)s::bigint,"
        " %(reason)s, clock_timestamp() FROM eye_test_queue WHERE store_id = %(store_id)s AND queued_on = %(day)s"
        " RETURNING eye_test_queue_id",
        day=day,
        **values,
    )
    action.note("eye_test.recorded", "eye_test_queue", entry_id, store_id=store_id, after={"state": "waiting"})
    return await show_entry(action, entry_id)


async def leave_queue(action: Action, entry_id: int, state: str) -> Row:
    """Who waits leaves: `cancelled`, or `no_show` when called in vain. Raises NotFound, OutOfReach, Conflict."""
    before = await lock_waiting(action, entry_id, LEAVES[state])
    await action.update("eye_test_queue", "eye_test_queue_id", entry_id, {"state": state})
    action.note(
        "eye_test.changed",
        "eye_test_queue",
        entry_id,
        store_id=before["store_id"],
        before={"state": before["state"]},
        after={"state": state},
    )
    return await show_entry(action, entry_id)


async def lock_waiting(action: Action, entry_id: int, what: str) -> Row:
    """The entry, locked, while it waits. Raises NotFound, OutOfReach, Conflict when it no longer does."""
    await action.row("SELECT 1 FROM eye_test_queue WHERE eye_test_queue_id = %(key)s FOR UPDATE", key=entry_id)
    entry = await show_entry(action, entry_id)
    if entry["state"] != "waiting":
        state = entry["state"].replace("_", " ")
        raise Conflict("not-waiting", f"Token {entry['token']} is {state}; only who waits can be {what}.")
    return entry
