"""Customers over HTTP: recorded, found, changed, masked, consenting; and who is refused, with nothing changed."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

PERSONAL = ("full_name", "mobile", "email", "city", "customer_code", "tax_registration")


def count(clinic: Any, table: str) -> int:
    return int(clinic.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def test_a_customer_is_recorded_read_and_changed(clinic: Any) -> None:
    made = clinic.customer(mobile="+91 98100-00001", email="asha@example.com", city="Pune", full_name="  Asha Rani ")
    assert made["full_name"] == "Asha Rani"
    assert made["mobile"] == "+919810000001"
    assert made["customer_code"].startswith("C-")
    path = f"/customers/{made['customer_id']}"
    assert clinic.get("manager", path) == made
    changed = clinic.patch("manager", path, {"city": None, "kind": "b2b", "tax_registration": "27AAAPL1234C1ZV"})
    assert "city" not in changed
    assert changed["tax_registration"] == "27AAAPL1234C1ZV"
    listed = clinic.get("staff", "/customers?limit=1")
    assert [item["customer_id"] for item in listed["items"]] == [made["customer_id"]]
    event = clinic.events("customer.changed", made["customer_id"])[0]
    assert event["before"].keys() == {"city", "kind", "tax_registration"}
    assert "Pune" not in json.dumps([event["before"], event["after"]])


def test_a_change_is_made_only_to_what_was_read(clinic: Any) -> None:
    made = clinic.customer()
    path = f"/customers/{made['customer_id']}"
    tag = clinic.ask("staff", "GET", path).headers["etag"]
    clinic.patch("staff", path, {"city": "Pune"}, if_match=tag)
    assert clinic.patch("staff", path, {"city": "Nashik"}, 412, if_match=tag)["type"].endswith("changed-meanwhile")
    assert clinic.get("staff", path)["city"] == "Pune"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"full_name": ""}, "body.full_name"),
        ({"full_name": "a\x00b"}, "body.full_name"),
        ({"mobile": "12"}, "body.mobile"),
        ({"mobile": "98100 abc"}, "body.mobile"),
        ({"email": "nobody"}, "body.email"),
        ({"tax_registration": "27X"}, "tax_registration"),
        ({"kind": "b2x"}, "body.kind"),
        ({"nickname": "x"}, "body.nickname"),
        ({"home_store_id": 2**63}, "body.home_store_id"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(clinic: Any, body: dict[str, Any], where: str) -> None:
    before = count(clinic, "customers")
    answer = clinic.post("admin", "/customers", {"full_name": "x", **body}, 422)
    assert [fault["where"] for fault in answer["faults"]] == [where]
    assert count(clinic, "customers") == before


def test_a_number_is_known_once_and_told_only_where_the_customer_is(clinic: Any) -> None:
    made = clinic.customer(mobile="+919820000001")
    again = {"full_name": "Somebody", "mobile": "98200 00001"}
    here = clinic.post("staff", "/customers", {**again, "home_store_id": clinic.s1}, 409)
    assert (here["type"], here["customer_id"]) == ("urn:ims:problem:mobile-taken", made["customer_id"])
    there = clinic.post("staff of S2", "/customers", {**again, "home_store_id": clinic.s2}, 409)
    assert there["type"] == "urn:ims:problem:mobile-taken-elsewhere"
    assert "customer_id" not in there
    other = clinic.customer()
    taken = clinic.patch("staff", f"/customers/{other['customer_id']}", {"mobile": "+919820000001"}, 409)
    assert taken["customer_id"] == made["customer_id"]


def test_search_finds_by_name_number_and_part_within_reach(clinic: Any) -> None:
    # words of more letters than stand beside each other in a customer's random code by chance
    made = clinic.customer(full_name="Zubeida Khanolkar", mobile="+919830012345", email="zubeidak@example.com")
    for wanted in ("khanolkar", "Zubeida Kh", "919830012345", "3001234", "zubeidak@example.com", "khanolkr"):
        found = clinic.post("staff", "/customers/search", {"q": wanted}, 200)["items"]
        assert [item["customer_id"] for item in found] == [made["customer_id"]], wanted
    assert clinic.post("staff of S2", "/customers/search", {"q": "khanolkar"}, 200)["items"] == []
    for who in ("analyst", "accountant"):
        refused = clinic.post(who, "/customers/search", {"q": "khanolkar"}, 403)
        assert refused["type"].endswith("not-permitted")
    clinic.post("staff", "/customers/search", {"q": "k"}, 422)


@pytest.mark.parametrize("people", ["customers", "users"])
def test_nobody_is_sought_in_an_address(clinic: Any, people: str) -> None:
    """Passed over, `q` would give the whole list for what was found."""
    refused = clinic.get("admin", f"/{people}?q=khanolkar", 422)
    assert refused["type"].endswith("search-by-post")
    assert "khanolkar" not in str(refused)
    tag = clinic.ask("admin", "POST", f"/{people}/search", {"q": "adm"}).headers["etag"]
    again = clinic.ask("admin", "POST", f"/{people}/search", {"q": "adm"}, if_none_match=tag)
    assert again.status_code == 200, "only a GET is answered with 304"


def test_another_store_is_refused_and_nothing_changes(clinic: Any) -> None:
    made = clinic.customer()
    path = f"/customers/{made['customer_id']}"
    patient = clinic.patient(customer=made)
    for method, target, body in (
        ("GET", path, None),
        ("PATCH", path, {"city": "Elsewhere"}),
        ("GET", f"{path}/patients", None),
        ("POST", f"{path}/patients", {"full_name": "Intruder"}),
        ("GET", f"{path}/consents", None),
        ("POST", f"{path}/consents", {"purpose": "marketing", "is_granted": True, "source": "store"}),
        ("GET", f"/patients/{patient['patient_id']}", None),
        ("PATCH", f"/patients/{patient['patient_id']}", {"full_name": "Intruder"}),
    ):
        answer = clinic.ask("staff of S2", method, target, body)
        assert answer.status_code == 403, (method, target, answer.text)
    clinic.post("staff of S2", "/customers", {"full_name": "x", "home_store_id": clinic.s1}, 403)
    clinic.post("staff of S2", "/customers", {"full_name": "x"}, 403)
    clinic.patch("staff", path, {"home_store_id": clinic.s2}, 403)
    assert clinic.get("staff", path) == made
    assert clinic.get("staff", f"/patients/{patient['patient_id']}") == patient
    assert clinic.get("staff", f"{path}/consents")["history"] == []
    denied = clinic.rows(
        "SELECT count(*) AS n FROM audit_log WHERE kind = 'access.denied' AND username = 'staff_of_S2'"
    )
    assert denied[0]["n"] >= 10
    assert clinic.get("staff of S2", "/customers/999999", 404)["type"].endswith("unknown-customer")
    assert clinic.get("staff of S2", "/patients/999999", 404)["type"].endswith("unknown-patient")


def test_a_store_sees_who_ordered_there_and_takes_over_who_visits(clinic: Any) -> None:
    made = clinic.customer(mobile="+919840000001")
    path = f"/customers/{made['customer_id']}"
    clinic.order(made["customer_id"], clinic.s2)
    assert clinic.get("staff of S2", path)["full_name"] == made["full_name"]

    visitor = clinic.customer(mobile="+919840000002")
    path = f"/customers/{visitor['customer_id']}"
    clinic.get("staff of S2", path, 403)
    clinic.post("staff of S2", "/customers/visits", {"mobile": "9840000099", "store_id": clinic.s2}, 404)
    clinic.post("staff of S2", "/customers/visits", {"mobile": "9840000002", "store_id": clinic.s1}, 403)
    body = {"mobile": "98400 00002", "store_id": clinic.s2}
    welcome = clinic.post("staff of S2", "/customers/visits", body, 200)
    assert welcome["home_store_id"] == clinic.s2
    assert clinic.get("staff of S2", path) == welcome
    clinic.get("staff", path, 403)
    event = clinic.events("customer.changed", visitor["customer_id"])[0]
    assert (event["severity"], event["before"], event["after"]) == (
        "warning",
        {"home_store_id": clinic.s1},
        {"home_store_id": clinic.s2},
    )


def test_a_list_pages_through_who_lives_and_who_ordered_there_each_once(clinic: Any) -> None:
    ordered = clinic.customer()
    at_home = clinic.customer("staff of S2")
    clinic.customer()
    for customer in (ordered, ordered, at_home):
        clinic.order(customer["customer_id"], clinic.s2)
    found, cursor = [], ""
    while not found or cursor:
        page = clinic.get("staff of S2", f"/customers?limit=1{cursor}")
        found += [item["customer_id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}" if page.get("next_cursor") else ""
    assert found[:2] == [at_home["customer_id"], ordered["customer_id"]]
    assert found == sorted(set(found), reverse=True)


def test_masked_roles_see_neither_name_nor_number(clinic: Any) -> None:
    made = clinic.customer(full_name="Meera de Souza", mobile="+919850000777", email="m@example.com", city="Goa")
    patient = clinic.patient(customer=made, full_name="Tara Souza")
    path = f"/customers/{made['customer_id']}"
    for who in ("analyst", "accountant"):
        masked = clinic.get(who, path)
        assert (masked["initials"], masked["mobile_ends_in"], masked["is_masked"]) == ("M. D. S.", "777", True)
        assert not set(PERSONAL) & set(masked)
        assert masked in clinic.get(who, "/customers?limit=200")["items"]
        (member,) = clinic.get(who, f"{path}/patients")["items"]
        assert member["initials"] == "T. S."
        assert not {"full_name", "born_on", "gender"} & set(member)
        assert clinic.get(who, f"/patients/{patient['patient_id']}") == member
        clinic.post(who, "/customers", {"full_name": "x"}, 403)
        clinic.patch(who, path, {"city": "x"}, 403)
    clinic.get("buyer", path, 403)


def test_patients_belong_to_a_household(clinic: Any) -> None:
    customer = clinic.customer()
    first, second = (clinic.patient(customer=customer, full_name=name) for name in ("One", "Two"))
    listed = clinic.get("staff", f"/customers/{customer['customer_id']}/patients")
    assert listed["items"] == [second, first]
    path = f"/patients/{first['patient_id']}"
    assert clinic.patch("staff", path, {"born_on": "2015-02-28", "gender": None})["born_on"] == "2015-02-28"
    assert clinic.patch("staff", path, {"born_on": "2190-01-01"}, 422)["faults"][0]["where"] == "born_on"
    assert clinic.patch("staff", path, {"full_name": None}, 422)["faults"][0]["where"] == "full_name"
    event = clinic.events("patient.created", first["patient_id"])[0]
    assert event["after"] == {"customer_id": customer["customer_id"], "full_name": "…", "born_on": "…", "gender": "…"}


def test_consents_are_added_and_the_latest_of_a_purpose_holds(clinic: Any) -> None:
    path = f"/customers/{clinic.customer()['customer_id']}/consents"
    before = clinic.get("staff", path)
    assert {each["purpose"]: each["is_granted"] for each in before["current"]} == dict.fromkeys(
        ("marketing", "reminders", "analytics", "data_sharing"), False
    )
    for is_granted in (True, False, True):
        clinic.post("staff", path, {"purpose": "marketing", "is_granted": is_granted, "source": "phone"})
    clinic.post("staff", path, {"purpose": "reminders", "is_granted": False, "source": "store"})
    now = clinic.get("analyst", path)
    assert {each["purpose"] for each in now["current"] if each["is_granted"]} == {"marketing"}
    assert [each["is_granted"] for each in now["history"]] == [False, True, False, True]
    clinic.post("staff", path, {"purpose": "profiling", "is_granted": True, "source": "store"}, 422)
    clinic.post("analyst", path, {"purpose": "marketing", "is_granted": True, "source": "store"}, 403)
    kinds = clinic.rows("SELECT kind, after FROM audit_log WHERE kind LIKE 'consent.%%' ORDER BY audit_id")
    assert [row["kind"] for row in kinds][-2:] == ["consent.given", "consent.withdrawn"]
    assert kinds[-1]["after"] == {"purpose": "reminders", "channel": "store", "is_granted": False}


def test_the_same_key_records_once(clinic: Any) -> None:
    key, body = uuid.uuid4().hex, {"full_name": "Once", "home_store_id": clinic.s1}
    first = clinic.post("staff", "/customers", body, idempotency_key=key)
    assert clinic.post("staff", "/customers", body, idempotency_key=key) == first
    clinic.post("staff", "/customers", {**body, "full_name": "Twice"}, 409, idempotency_key=key)
    assert len(clinic.rows("SELECT 1 FROM customers WHERE full_name IN ('Once', 'Twice')")) == 1
