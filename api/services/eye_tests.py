"""Eye tests: begun by an optometrist, completed with an outcome or given up. What they prescribe is `prescriptions`."""

from __future__ import annotations

from typing import Any

from api.refusals import Conflict, Fault, Invalid
from api.services.action import Action, Row
from api.services.customers import reached
from api.services.eye_test_queue import lock_waiting
from api.services.ledger import business_day
from api.services.paging import Page, Paging
from api.services.patients import check_patient

COLUMNS = (
    "eye_test_id, eye_test_queue_id, patient_id, store_id, optometrist_id, tested_on, started_at, completed_at, state,"
    " outcome, updated_at"
)


async def list_tests(
    action: Action, paging: Paging, store_id: int | None = None, patient_id: int | None = None
) -> Page:
    """The tests made in the stores in reach, the newest first. Raises OutOfReach."""
    if store_id is not None:
        action.check_store(store_id)
    rows = await action.rows(
        f"SELECT {COLUMNS} FROM eye_tests WHERE eye_test_id < %(after)s"
        " AND (%(reached)s::bigint[] IS NULL OR store_id = ANY(%(reached)s))"
        " AND (%(store)s::bigint IS NULL OR store_id = %(store)s)"
        " AND (%(patient)s::bigint IS NULL OR patient_id = %(patient)s) ORDER BY eye_test_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        reached=reached(action),
        store=store_id,
        patient=patient_id,
        limit=paging.fetch,
    )
    return paging.page(rows, ("eye_test_id",))


async def show_test(action: Action, test_id: int) -> Row:
    """One test. Raises NotFound, OutOfReach."""
    row = await action.row(f"SELECT {COLUMNS} FROM eye_tests WHERE eye_test_id = %(key)s", key=test_id)
    if row is None:
        raise await action.missing("eye_tests", test_id, "eye test")
    action.check_store(row["store_id"])
    return row


async def start_test(action: Action, values: dict[str, Any]) -> Row:
    """Begin a test: of whoever holds a token of the queue, or of a patient who came without one.

    A token given to somebody not recorded yet needs the patient now. Raises NotFound, OutOfReach, Conflict, Invalid.
    """
    entry_id, patient_id, store_id = values["eye_test_queue_id"], values["patient_id"], values["store_id"]
    if entry_id is not None:
        entry = await lock_waiting(action, entry_id, "tested")
        store_id = _agreed("store_id", store_id, entry["store_id"])
        patient_id = _agreed("patient_id", patient_id, entry["patient_id"])
    for name, value in (("store_id", store_id), ("patient_id", patient_id)):
        if value is None:
            rule = "must be given: the queue does not say it"
            raise Invalid("incomplete", f"{name} {rule}.", Fault(name, rule))
    action.check_store(store_id)
    patient = await check_patient(action, patient_id)
    if entry_id is not None:
        if entry["customer_id"] not in {None, patient["customer_id"]}:
            rule = "belongs to another customer than the token"
            raise Invalid("patient-of-another", f"The patient {rule}.", Fault("patient_id", rule))
        await action.execute(
            "UPDATE eye_test_queue SET state = 'in_progress', started_at = clock_timestamp(),"
            " patient_id = %(patient)s, customer_id = %(customer)s WHERE eye_test_queue_id = %(key)s",
            patient=patient_id,
            customer=patient["customer_id"],
            key=entry_id,
        )
    test_id = await action.value(
        "INSERT INTO eye_tests (eye_test_queue_id, patient_id, store_id, optometrist_id, tested_on, started_at)"
        " VALUES (%(entry)s, %(patient)s, %(store)s, %(user)s, %(day)s, clock_timestamp()) RETURNING eye_test_id",
        entry=entry_id,
        patient=patient_id,
        store=store_id,
        user=action.user.user_id,
        day=await business_day(action),
    )
    after = {"eye_test_id": test_id, "patient_id": patient_id, "state": "in_progress"}
    action.note("eye_test.recorded", "eye_test", test_id, store_id=store_id, after=after)
    return await show_test(action, test_id)


async def complete_test(action: Action, test_id: int, outcome: str) -> Row:
    """End a test with its outcome; the token is done. Raises NotFound, OutOfReach, Conflict."""
    return await _end(action, test_id, "completed", outcome)


async def cancel_test(action: Action, test_id: int) -> Row:
    """Give up a test that was begun; the token is done. Raises NotFound, OutOfReach, Conflict."""
    return await _end(action, test_id, "cancelled", None)


async def _end(action: Action, test_id: int, state: str, outcome: str | None) -> Row:
    await action.row("SELECT 1 FROM eye_tests WHERE eye_test_id = %(key)s FOR UPDATE", key=test_id)
    test = await show_test(action, test_id)
    if test["state"] != "in_progress":
        raise Conflict("test-ended", f"This eye test is {test['state']} already; record a new one.")
    ended = "CASE WHEN %(is_done)s THEN clock_timestamp() END"
    await action.execute(
        f"UPDATE eye_tests SET state = %(state)s, outcome = %(outcome)s, completed_at = {ended}"
        " WHERE eye_test_id = %(key)s",
        state=state,
        is_done=state == "completed",
        outcome=outcome,
        key=test_id,
    )
    await action.execute(
        f"UPDATE eye_test_queue SET state = %(state)s, completed_at = {ended} WHERE eye_test_queue_id = %(entry)s",
        state=state,
        is_done=state == "completed",
        entry=test["eye_test_queue_id"],
    )
    action.note(
        "eye_test.changed",
        "eye_test",
        test_id,
        store_id=test["store_id"],
        before={"state": "in_progress"},
        after={"state": state},
        severity="info",
    )
    return await show_test(action, test_id)


def _agreed(name: str, given: int | None, queued: int | None) -> int | None:
    if given is not None and queued is not None and given != queued:
        rule = "is another one than the token was given for"
        raise Invalid("another-token", f"{name} {rule}.", Fault(name, rule))
    return given if given is not None else queued
