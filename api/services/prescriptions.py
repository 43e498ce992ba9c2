"""Prescriptions: recorded within their limits, replaced by a new version and never edited, read as far as one may.

They are in reach in the store that recorded them, and wherever the patient's customer is.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from api.identity.principal import reach_of
from api.refusals import Conflict, Fault, Invalid, NotFound, OutOfReach
from api.services.action import Action, Row
from api.services.customers import is_near, make_code, reached
from api.services.ledger import business_day
from api.services.paging import Page, Paging
from api.services.patients import check_patient
from api.services.prescription_limits import find_faults
from api.services.prescription_showing import SELECT, show_as, with_eyes

ADULT_YEARS = 18
MONTHS_OF_A_MINOR = 12
DAYS_OF_AN_ADULT = 730  # where the setting prescription_valid_days says nothing else
EYE = (
    "sph", "cyl", "axis", "add", "pd_mm", "prism", "prism_base", "visual_acuity", "base_curve_mm", "diameter_mm",
)  # fmt: skip
INSERT = """
    INSERT INTO prescriptions (prescription_number, version, supersedes_id, patient_id, store_id, eye_test_id, source,
        kind, optometrist_id, doctor_name, prescribed_on, valid_until_on, pd_mm, created_by)
    VALUES (%(number)s, %(version)s, %(supersedes)s, %(patient_id)s, %(store_id)s, %(eye_test_id)s, %(source)s,
        %(kind)s, %(optometrist)s, %(doctor_name)s, %(prescribed_on)s, %(valid_until_on)s, %(pd_mm)s, %(user)s)
    RETURNING prescription_id
"""
INSERT_EYE = f"""
    INSERT INTO prescription_eyes (prescription_id, kind, eye, {", ".join(EYE)})
    VALUES (%(prescription)s, %(kind)s, %(eye)s, {", ".join(f"%({name})s" for name in EYE)})
"""


async def list_prescriptions(
    action: Action, paging: Paging, patient_id: int | None = None, store_id: int | None = None, is_valid: bool = False
) -> Page:
    """The prescriptions in reach, the newest first; `is_valid` leaves out expired and replaced ones.

    Those of one patient are told only to whoever reads them in full: else the answer would say whose they are.
    """
    if store_id is not None:
        action.check_store(store_id)
    rows = await action.rows(
        f"{SELECT} WHERE p.prescription_id < %(after)s AND (%(patient)s::bigint IS NULL"
        f" OR (p.patient_id = %(patient)s AND {_is_near('read')}))"
        f" AND (%(store)s::bigint IS NULL OR p.store_id = %(store)s) AND {_is_near('reached')}"
        " AND (NOT %(is_valid)s OR (p.valid_until_on >= %(today)s AND n.prescription_id IS NULL))"
        " ORDER BY p.prescription_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        patient=patient_id,
        store=store_id,
        is_valid=is_valid,
        today=await business_day(action),
        read=_readable(action),
        reached=reached(action),
        limit=paging.fetch,
    )
    return paging.page([show_as(row) for row in await with_eyes(action, rows)], ("prescription_id",))


async def show_prescription(action: Action, prescription_id: int) -> Row:
    """One prescription; without whose it is for whoever may not read that. Raises NotFound, OutOfReach."""
    return show_as(await _find(action, prescription_id))


async def break_glass(action: Action, prescription_id: int, reason: str) -> Row:
    """One prescription in full, with the patient's name, for a stated reason: recorded as critical every time."""
    row = await _find(action, prescription_id)
    action.note(
        "prescription.break_glass",
        "prescription",
        prescription_id,
        store_id=row["store_id"],
        after={"patient_id": row["patient_id"], "reason": reason},
    )
    return show_as({**row, "is_open": True}, is_named=True)


async def create_prescription(action: Action, values: dict[str, Any]) -> Row:
    """A new prescription. Raises Invalid with every fault, NotFound, OutOfReach, Conflict."""
    prescription_id = await _insert(action, values, make_code("RX"), 1, None)
    return show_as(await _find(action, prescription_id))


async def replace_prescription(action: Action, prescription_id: int, values: dict[str, Any]) -> Row:
    """The next version of a prescription: the earlier one stays as it was. Only the latest can be replaced.

    Raises Invalid with every fault, NotFound, OutOfReach, Conflict.
    """
    await action.row("SELECT 1 FROM prescriptions WHERE prescription_id = %(key)s FOR UPDATE", key=prescription_id)
    earlier = await _find(action, prescription_id)
    if earlier["superseded_by_id"] is not None:
        raise Conflict(
            "replaced-already",
            "This version was replaced already; replace the latest one.",
            superseded_by_id=earlier["superseded_by_id"],
        )
    if earlier["patient_id"] != values["patient_id"] or earlier["kind"] != values["kind"]:
        rule = "must stay that of the earlier version"
        name = "kind" if earlier["patient_id"] == values["patient_id"] else "patient_id"
        raise Invalid("another-prescription", f"The {name} of a new version {rule}.", Fault(name, rule))
    number, version = earlier["prescription_number"], earlier["version"] + 1
    found = await _insert(action, values, number, version, prescription_id)
    before = {"prescription_id": prescription_id, "version": version - 1}
    after = {"prescription_id": found, "version": version}
    store_id = values["store_id"]
    action.note("prescription.changed", "prescription", prescription_id, store_id=store_id, before=before, after=after)
    return show_as(await _find(action, found))


async def _insert(action: Action, values: dict[str, Any], number: str, version: int, supersedes: int | None) -> int:
    action.check_store(values["store_id"])
    faults = find_faults(values)
    if faults:
        raise Invalid("outside-limits", "The prescription is outside the limits; see faults.", *faults)
    patient = await check_patient(action, values["patient_id"])
    today = await business_day(action)
    prescribed_on = values["prescribed_on"] or today
    until = await _valid_until(action, values, patient["born_on"], prescribed_on)
    for name, is_wrong, rule in (
        ("prescribed_on", prescribed_on > today, "must not lie in the future"),
        ("prescribed_on", patient["born_on"] is not None and prescribed_on < patient["born_on"], "is before birth"),
        ("valid_until_on", until < prescribed_on, "must not be before prescribed_on"),
    ):
        if is_wrong:
            raise Invalid("outside-limits", f"{name} {rule}.", Fault(name, rule))
    is_tested = values["source"] == "tested_at_store"
    await _check_test(action, values["eye_test_id"], values["patient_id"])
    prescription_id = await action.value(
        INSERT,
        **{
            **{name: values[name] for name in ("patient_id", "store_id", "eye_test_id", "source", "kind", "pd_mm")},
            "doctor_name": values["doctor_name"],
            "number": number,
            "version": version,
            "supersedes": supersedes,
            "optometrist": action.user.user_id if is_tested else None,
            "prescribed_on": prescribed_on,
            "valid_until_on": until,
            "user": action.user.user_id,
        },
    )
    for side, eye in values["eyes"].items():
        if eye is not None:
            named = {name: eye.get(name) for name in EYE}
            await action.execute(INSERT_EYE, prescription=prescription_id, kind=values["kind"], eye=side, **named)
    after = {"prescription_id": prescription_id, "patient_id": values["patient_id"], "version": version}
    store_id = values["store_id"]
    action.note("prescription.created", "prescription", prescription_id, store_id=store_id, after=after)
    return int(prescription_id)


async def _find(action: Action, prescription_id: int) -> Row:
    row = await action.row(f"{SELECT} WHERE p.prescription_id = %(key)s", key=prescription_id, read=_readable(action))
    if row is None:
        raise await action.missing("prescriptions", prescription_id, "prescription")
    is_reached = await action.value(
        f"SELECT {_is_near('reached')} FROM prescriptions AS p LEFT JOIN patients AS o USING (patient_id)"
        " LEFT JOIN customers AS c USING (customer_id) WHERE p.prescription_id = %(key)s",
        key=prescription_id,
        reached=reached(action),
    )
    if not is_reached:
        raise OutOfReach("store-out-of-scope", "Your account does not cover the stores of this prescription.")
    return (await with_eyes(action, [row]))[0]


async def _valid_until(action: Action, values: dict[str, Any], born_on: dt.date | None, start: dt.date) -> dt.date:
    """The last day: as given, else 12 months below 18 years, else as the chain's setting says (two years)."""
    if values["valid_until_on"] is not None:
        return values["valid_until_on"]  # type: ignore[no-any-return]
    months = values["validity_months"]
    if months is None and born_on is not None and _add_months(born_on, 12 * ADULT_YEARS) > start:
        months = MONTHS_OF_A_MINOR
    if months is not None:
        return _add_months(start, months)
    days = await action.value("SELECT value FROM chain_settings WHERE key = 'prescription_valid_days'")
    return start + dt.timedelta(days=days if isinstance(days, int) and days > 0 else DAYS_OF_AN_ADULT)


async def _check_test(action: Action, test_id: int | None, patient_id: int) -> None:
    if test_id is None:
        return
    test = await action.row("SELECT patient_id, state FROM eye_tests WHERE eye_test_id = %(key)s", key=test_id)
    if test is None or test["patient_id"] != patient_id:
        raise NotFound("unknown-eye-test", f"There is no eye test {test_id} of this patient.")
    if test["state"] == "cancelled":
        raise Conflict("test-cancelled", "This eye test was cancelled; nothing is prescribed from it.")


def _is_near(stores: str) -> str:
    """The condition that prescription `p`, of customer `c`, is in one of the stores of that parameter."""
    return f"(p.store_id = ANY(%({stores})s::bigint[]) OR {is_near(stores)})"


def _readable(action: Action) -> list[int] | None:
    """The stores whose prescriptions are read in full; [] for none, None for all. Whoever writes one reads it."""
    if action.permission == "prescription:write":
        return reached(action)
    return [] if reach_of(action.user, "prescription:read") is None else reached(action, "prescription:read")


def _add_months(day: dt.date, months: int) -> dt.date:
    """The same day so many months later, or the last of that month.

    >>> _add_months(dt.date(2024, 2, 29), 12)
    datetime.date(2025, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (dt.date(year + (month == 11), (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(year, month + 1, min(day.day, last))
