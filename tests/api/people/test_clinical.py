"""Queue, eye tests and prescriptions over HTTP: their course, their limits, who reads whose."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from api.services.prescription_limits import find_faults

RIGHT = {"sph": "-2.25", "cyl": "-0.75", "axis": 90, "pd_mm": "31.5"}
LEFT = {"sph": "-2.00", "add": "1.50"}


def today() -> dt.date:
    return dt.datetime.now(ZoneInfo("Asia/Kolkata")).date()


def body(clinic: Any, patient: dict[str, Any], **given: Any) -> dict[str, Any]:
    values = {
        "patient_id": patient["patient_id"],
        "store_id": clinic.s1,
        "source": "tested_at_store",
        "eyes": {"right": RIGHT, "left": LEFT},
    }
    return {**values, **given}


def test_tokens_count_from_one_each_day_in_each_store(clinic: Any) -> None:
    clinic.rows("DELETE FROM eye_test_queue")
    tokens = [clinic.post("staff", "/eye-test-queue", {"store_id": clinic.s1})["token"] for _ in range(3)]
    assert tokens == [1, 2, 3]
    assert clinic.post("staff of S2", "/eye-test-queue", {"store_id": clinic.s2})["token"] == 1
    clinic.rows("UPDATE eye_test_queue SET queued_on = queued_on - 1, queued_at = queued_at - interval '1 day'")
    assert clinic.post("staff", "/eye-test-queue", {"store_id": clinic.s1})["token"] == 1
    page = clinic.get("staff", f"/eye-test-queue?store_id={clinic.s1}")
    assert [(item["token"], item["state"], item["waited_minutes"]) for item in page["items"]] == [(1, "waiting", 0)]
    earlier = today() - dt.timedelta(days=1)
    page = clinic.get("manager", f"/eye-test-queue?store_id={clinic.s1}&on={earlier}&limit=2")
    assert [item["token"] for item in page["items"]] == [3, 2]
    rest = clinic.get("manager", f"/eye-test-queue?store_id={clinic.s1}&on={earlier}&cursor={page['next_cursor']}")
    assert [item["token"] for item in rest["items"]] == [1]


def test_an_eye_test_from_token_to_outcome(clinic: Any) -> None:
    clinic.rows("DELETE FROM eye_test_queue WHERE eye_test_queue_id NOT IN (SELECT eye_test_queue_id FROM eye_tests)")
    patient = clinic.patient()
    token = clinic.post(
        "staff", "/eye-test-queue", {"store_id": clinic.s1, "patient_id": patient["patient_id"], "reason": "complaint"}
    )
    assert token["customer_id"] == patient["customer_id"]
    entry = token["eye_test_queue_id"]
    waiting = {"store_id": clinic.s1, "patient_id": patient["patient_id"]}
    assert clinic.post("staff", "/eye-test-queue", waiting, 409)["token"] == token["token"]
    clinic.post("staff", "/eye-tests", {"eye_test_queue_id": entry}, 403)  # not clinical
    clinic.rows("UPDATE eye_test_queue SET queued_at = queued_at - interval '8 minutes'")
    test = clinic.post("optometrist", "/eye-tests", {"eye_test_queue_id": entry})
    assert (test["state"], test["patient_id"], test["tested_on"]) == (
        "in_progress",
        patient["patient_id"],
        str(today()),
    )
    entry_now = clinic.get("staff", f"/eye-test-queue/{entry}")
    assert (entry_now["state"], entry_now["waited_minutes"]) == ("in_progress", 8)
    clinic.post("optometrist", "/eye-tests", {"eye_test_queue_id": entry}, 409)
    clinic.post("staff", f"/eye-test-queue/{entry}/cancel", status=409)
    path = f"/eye-tests/{test['eye_test_id']}"
    clinic.post("optometrist", f"{path}/complete", {"outcome": "unsure"}, 422)
    clinic.post("optometrist of S2", f"{path}/complete", {"outcome": "new_rx"}, 403)
    done = clinic.post("optometrist", f"{path}/complete", {"outcome": "new_rx"}, 200)
    assert (done["state"], done["outcome"]) == ("completed", "new_rx")
    clinic.post("optometrist", f"{path}/cancel", status=409)
    assert clinic.get("staff", path) == done
    assert clinic.get("staff", f"/eye-test-queue/{entry}")["state"] == "completed"
    summary = clinic.get("staff", f"/eye-test-queue/summary?store_id={clinic.s1}")
    assert (summary["completed"], summary["waiting"], summary["median_wait_minutes"]) == (1, 0, "8.0")
    assert clinic.get("staff", f"/eye-tests?patient_id={patient['patient_id']}")["items"] == [done]


def test_who_waits_may_leave_and_tests_need_someone(clinic: Any) -> None:
    entries = [clinic.post("staff", "/eye-test-queue", {"store_id": clinic.s1}) for _ in range(3)]
    first, second, third = (f"/eye-test-queue/{entry['eye_test_queue_id']}" for entry in entries)
    assert clinic.post("staff", f"{first}/cancel", status=200)["state"] == "cancelled"
    assert clinic.post("staff", f"{second}/no-show", status=200)["state"] == "no_show"
    clinic.post("staff", f"{second}/cancel", status=409)
    clinic.post("staff of S2", f"{third}/cancel", status=403)
    key = entries[2]["eye_test_queue_id"]
    nobody = clinic.post("optometrist", "/eye-tests", {"eye_test_queue_id": key}, 422)
    assert nobody["faults"][0]["where"] == "patient_id"
    wrong = {"eye_test_queue_id": key, "store_id": clinic.s2}
    assert clinic.post("optometrist", "/eye-tests", wrong, 422)["faults"][0]["where"] == "store_id"
    patient = clinic.patient()
    test = clinic.post("optometrist", "/eye-tests", {"eye_test_queue_id": key, "patient_id": patient["patient_id"]})
    cancelled = clinic.post("optometrist", f"/eye-tests/{test['eye_test_id']}/cancel", status=200)
    assert (cancelled["state"], clinic.get("staff", third)["state"]) == ("cancelled", "cancelled")
    refused = body(clinic, patient, eye_test_id=test["eye_test_id"])
    assert clinic.post("optometrist", "/prescriptions", refused, 409)["type"].endswith("test-cancelled")


def test_a_prescription_is_recorded_and_replaced_never_edited(clinic: Any) -> None:
    patient = clinic.patient()
    made = clinic.post("optometrist", "/prescriptions", body(clinic, patient))
    assert (made["version"], made["prescribed_on"]) == (1, str(today()))
    assert made["eyes"]["right"] == {"sph": "-2.25", "cyl": "-0.75", "axis": 90, "pd_mm": "31.5"}
    path = f"/prescriptions/{made['prescription_id']}"
    assert clinic.get("optometrist", path) == made
    again = body(clinic, patient, eyes={"left": {"sph": "1"}})
    second = clinic.post("optometrist", f"{path}/versions", again)
    assert (second["version"], second["prescription_number"]) == (2, made["prescription_number"])
    assert second["supersedes_id"] == made["prescription_id"]
    assert clinic.post("optometrist", f"{path}/versions", again, 409)["superseded_by_id"] == second["prescription_id"]
    assert clinic.get("optometrist", path) == {**made, "superseded_by_id": second["prescription_id"]}
    valid = clinic.get("optometrist", f"/prescriptions?is_valid=true&patient_id={patient['patient_id']}")
    assert valid["items"] == [second]
    other = body(clinic, clinic.patient())
    latest = f"/prescriptions/{second['prescription_id']}/versions"
    assert clinic.post("optometrist", latest, other, 422)["faults"][0]["where"] == "patient_id"


@pytest.mark.parametrize(
    ("born_on", "given", "expected"),
    [
        ("1980-05-04", {}, "2025-12-31"),  # 730 days
        ("2006-01-01", {}, "2025-12-31"),  # 18 on the day
        ("2006-01-02", {}, "2025-01-01"),  # a day short of it
        (None, {}, "2025-12-31"),
        ("1980-05-04", {"validity_months": 6}, "2024-07-01"),
        ("1980-05-04", {"valid_until_on": "2024-03-31"}, "2024-03-31"),
    ],
)
def test_how_long_it_is_valid(clinic: Any, born_on: str | None, given: dict[str, Any], expected: str) -> None:
    values = body(clinic, clinic.patient(born_on=born_on), prescribed_on="2024-01-01", **given)
    assert clinic.post("optometrist", "/prescriptions", values)["valid_until_on"] == expected


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({"eyes": {"right": {"sph": "-25.25"}}}, ["eyes.right.sph"]),
        ({"eyes": {"right": {"sph": "0.3"}}}, ["eyes.right.sph"]),
        ({"eyes": {"left": {"cyl": "-6.25", "axis": 90}}}, ["eyes.left.cyl"]),
        ({"eyes": {"right": {"cyl": "-1"}}}, ["eyes.right.axis"]),
        ({"eyes": {"right": {"cyl": "-1", "axis": 181}}}, ["eyes.right.axis"]),
        ({"eyes": {"right": {"cyl": "-1", "axis": 0}}}, ["eyes.right.axis"]),
        ({"eyes": {"right": {"sph": "1", "axis": 90}}}, ["eyes.right.axis"]),
        ({"eyes": {"right": {"sph": "1", "add": "0.5"}}}, ["eyes.right.add"]),
        ({"eyes": {"right": {"sph": "1", "add": "4.25"}}}, ["eyes.right.add"]),
        ({"eyes": {"right": {"sph": "1", "pd_mm": "19.9"}}}, ["eyes.right.pd_mm"]),
        ({"eyes": {"right": {"sph": "1", "prism": "2"}}}, ["eyes.right.prism_base"]),
        ({"eyes": {"right": {"sph": "1", "base_curve_mm": "8.6"}}}, ["eyes.right.base_curve_mm"]),
        ({"eyes": {"right": {"pd_mm": "31"}}}, ["eyes.right"]),
        ({"eyes": {}}, ["eyes"]),
        ({"pd_mm": "39.5"}, ["pd_mm"]),
        ({"pd_mm": "62", "kind": "contact_lens", "eyes": {"left": {"sph": "1"}}}, ["pd_mm"]),
        ({"kind": "contact_lens", "eyes": {"left": {"sph": "1", "diameter_mm": "15.1"}}}, ["eyes.left.diameter_mm"]),
        ({"doctor_name": "Dr X"}, ["doctor_name"]),
        ({"valid_until_on": "2020-01-01"}, ["valid_until_on"]),
        ({"prescribed_on": "2100-01-01"}, ["prescribed_on"]),
        ({"prescribed_on": "1950-01-01"}, ["prescribed_on"]),
        (
            {"eyes": {"right": {"sph": "30.1", "cyl": "1"}}, "pd_mm": "90"},
            ["pd_mm", "eyes.right.sph", "eyes.right.sph", "eyes.right.axis"],
        ),
    ],
)  # fmt: skip
def test_every_limit_is_named_with_its_place(clinic: Any, given: dict[str, Any], places: list[str]) -> None:
    before = clinic.rows("SELECT count(*) FROM prescriptions")
    answer = clinic.post("optometrist", "/prescriptions", body(clinic, clinic.patient(), **given), 422)
    assert [fault["where"] for fault in answer["faults"]] == places
    assert clinic.rows("SELECT count(*) FROM prescriptions") == before


def test_what_the_service_lets_pass_the_tables_take_and_no_more(clinic: Any) -> None:
    """Random eyes, judged by the service and by the constraints: they agree on each."""
    draw = random.Random(11)

    def some(values: list[Any], share: float = 0.6) -> Any:
        return draw.choice(values) if draw.random() < share else None

    patient, verdicts = clinic.patient()["patient_id"], []
    with psycopg.connect(clinic.url, autocommit=True) as connection:
        for number in range(400):
            kind = draw.choice(["spectacle", "contact_lens"])
            is_glasses = draw.random() < (0.9 if kind == "spectacle" else 0.1)
            eye = {
                "sph": some([Decimal(x) for x in ("-25", "-25.25", "0", "0.1", "25", "25.25", "-2.25")]),
                "cyl": some([Decimal(x) for x in ("-6", "-6.25", "0", "-0.5", "6", "0.33")], 0.4),
                "axis": some([0, 1, 90, 180, 181], 0.4),
                "add": some([Decimal(x) for x in ("0.5", "0.75", "4", "4.25", "1.1")], 0.2),
                "pd_mm": some([Decimal(x) for x in ("19.9", "20", "45", "45.1")], 0.3) if is_glasses else None,
                "prism": some([Decimal(x) for x in ("0", "0.5", "20", "20.25")], 0.2) if is_glasses else None,
                "prism_base": some(["up", "in"], 0.2),
                "base_curve_mm": None if is_glasses else some([Decimal(x) for x in ("7.9", "8", "9.5", "9.6")], 0.3),
                "diameter_mm": None if is_glasses else some([Decimal(x) for x in ("12.9", "13", "15", "15.1")], 0.3),
            }
            pd = some([Decimal(x) for x in ("39.9", "40", "80", "80.1")], 0.2)
            doctor = some(["Dr X"], 0.2)
            source = draw.choice(["from_doctor", "tested_at_store"])
            faults = find_faults(
                {"kind": kind, "source": source, "pd_mm": pd, "doctor_name": doctor, "eyes": {"right": eye}}
            )
            try:
                with connection.transaction(force_rollback=True):
                    (key,) = connection.execute(
                        "INSERT INTO prescriptions (prescription_number, patient_id, store_id, source, kind,"
                        " doctor_name, optometrist_id, prescribed_on, valid_until_on, pd_mm)"
                        " SELECT %s, %s, %s, %s, %s, %s, min(user_id), '2024-01-01', '2025-01-01', %s FROM users"
                        " RETURNING prescription_id",
                        (f"R{number}", patient, clinic.s1, source, kind, doctor, pd),
                    ).fetchone()
                    names = ", ".join(eye)
                    connection.execute(
                        f"INSERT INTO prescription_eyes (prescription_id, kind, eye, {names})"
                        f" VALUES (%s, %s, 'right'{', %s' * len(eye)})",
                        (key, kind, *eye.values()),
                    )
                is_taken = True
            except psycopg.errors.CheckViolation:
                is_taken = False
            assert is_taken == (not faults), (kind, source, pd, doctor, eye, faults)
            verdicts.append(is_taken)
    assert 20 < sum(verdicts) < 380


def test_who_reads_a_prescription_in_full_masked_or_not_at_all(clinic: Any) -> None:
    patient = clinic.patient(full_name="Kamala Iyer")
    given = body(clinic, patient, source="from_doctor", doctor_name="Dr Salunkhe")
    made = clinic.post("optometrist", "/prescriptions", given)
    path = f"/prescriptions/{made['prescription_id']}"
    for who in ("optometrist", "manager"):
        assert clinic.get(who, path) == made
    names = set()
    for who in ("superadmin", "admin", "analyst"):
        masked = clinic.get(who, path)
        assert masked["is_masked"]
        assert masked["eyes"] == made["eyes"]
        assert not {"patient_id", "customer_id", "doctor_name", "patient_name", "created_by"} & set(masked)
        names.add(masked["patient_pseudonym"])
        assert clinic.get(who, f"/prescriptions?patient_id={patient['patient_id']}")["items"] == []
        assert masked in clinic.get(who, "/prescriptions?limit=200")["items"]
    assert len(names) == 1
    assert len(names.pop()) == 32
    for who in ("staff", "buyer", "accountant"):
        clinic.get(who, path, 403)
    clinic.post("manager", "/prescriptions", given, 403)
    for who in ("manager of S2", "optometrist of S2"):
        clinic.get(who, path, 403)
    clinic.post("optometrist of S2", "/prescriptions", given, 403)
    clinic.post("optometrist of S2", "/prescriptions", {**given, "store_id": clinic.s2}, 403)
    clinic.get("optometrist", "/prescriptions/999999", 404)


def test_a_prescription_goes_with_its_customer(clinic: Any) -> None:
    customer = clinic.customer(mobile="+919860000001")
    patient = clinic.patient(customer=customer)
    made = clinic.post("optometrist", "/prescriptions", body(clinic, patient))
    path = f"/prescriptions/{made['prescription_id']}"
    clinic.get("optometrist of S2", path, 403)
    clinic.post("staff of S2", "/customers/visits", {"mobile": "+919860000001", "store_id": clinic.s2}, 200)
    assert clinic.get("optometrist of S2", path) == made
    # it was made here, though the customer is no longer seen
    assert clinic.get("optometrist", path) == {name: made[name] for name in made if name != "customer_id"}
    clinic.get("optometrist", f"/patients/{patient['patient_id']}", 403)
    renewed = body(clinic, patient, store_id=clinic.s2)
    assert clinic.post("optometrist of S2", f"{path}/versions", renewed)["version"] == 2


def test_breaking_the_glass_is_for_a_reason_and_leaves_a_critical_mark(clinic: Any) -> None:
    patient = clinic.patient(full_name="Kamala Iyer")
    made = clinic.post("optometrist", "/prescriptions", body(clinic, patient))
    path = f"/prescriptions/{made['prescription_id']}/break-glass"
    reason = "Adverse event report 2026-17"
    for who in ("admin", "manager", "optometrist", "analyst"):
        clinic.post(who, path, {"reason": reason}, 403)
    clinic.post("superadmin", path, {"reason": "because"}, 422)
    full = clinic.post("superadmin", path, {"reason": reason}, 200)
    assert (full["patient_name"], full["patient_id"]) == ("Kamala Iyer", patient["patient_id"])
    (event,) = clinic.events("prescription.break_glass", made["prescription_id"])
    assert (event["severity"], event["username"], event["after"]["reason"]) == ("critical", "superadmin", reason)
    assert clinic.get("superadmin", path.removesuffix("/break-glass"))["is_masked"]
