"""Settings: read by who runs the chain, changed by superadmins within bounds, audited; and what they change."""

from __future__ import annotations

import pytest

from api.services.chain_settings import SETTINGS


def test_every_setting_is_listed_with_its_bounds(buyers) -> None:
    items = {item["key"]: item for item in buyers.get("/settings", buyers.accountant).json()["items"]}
    assert items.keys() == SETTINGS.keys()
    seeded = {row["key"] for row in buyers.rows("SELECT key FROM chain_settings")}
    assert seeded <= items.keys(), "a setting of the database that the API does not know"
    assert {"fiscal_year_first_month", "vip_amount", "price_bands", "festivals"} <= seeded, "those the warehouse reads"
    assert (items["expense_approval_limit"]["value"], items["expense_approval_limit"]["lowest"]) == (5000, 0)
    assert items["transfer_needs_approval"]["value"] is True
    assert buyers.problem(buyers.get("/settings", buyers.manager)) == (403, "not-permitted")


def test_a_superadmin_changes_a_setting_and_the_change_counts(buyers) -> None:
    chief = buyers.user("superadmin", ())
    path = "/settings/expense_approval_limit"
    seen = buyers.get(path, chief).headers["etag"]
    for who in (buyers.admin, buyers.buyer, buyers.manager):
        assert buyers.problem(buyers.send("PATCH", path, who, {"value": 10})) == (403, "not-permitted")
    changed = buyers.send("PATCH", path, chief, {"value": "10.50"}, **{"if-match": seen})
    assert changed.status_code == 200, changed.text
    assert changed.json()["value"] == 10.5
    stale = buyers.send("PATCH", path, chief, {"value": 20}, **{"if-match": seen})
    assert buyers.problem(stale) == (412, "changed-meanwhile")
    body = {"store_id": buyers.here, "category": "food", "spent_on": "2026-01-01", "description": "tea"}
    made = buyers.made("/expenses", buyers.user("staff"), {**body, "amount": "10.51"})
    assert buyers.problem(buyers.post(f"/expenses/{made['expense_id']}/approve", buyers.manager))[1] == "needs-approval"
    event = buyers.one(
        "SELECT before, after FROM audit_log WHERE kind = 'setting.changed' AND entity_id = 'expense_approval_limit'"
    )
    assert (event["before"]["value"], event["after"]["value"]) == (5000, 10.5)
    # one that no migration has put a row for has its default until it is changed
    unset = "/settings/receipt_over_share"
    assert buyers.get(unset, chief).json()["value"] == 0
    assert buyers.send("PATCH", unset, chief, {"value": 0.05}).json()["value"] == 0.05
    buyers.send("PATCH", unset, chief, {"value": 0})
    buyers.send("PATCH", path, chief, {"value": 5000})


def test_bands_and_festivals_are_lists_and_null_is_the_usual_one(buyers) -> None:
    chief = buyers.user("superadmin", ())
    fair = [{"name": "Fair", "day": "2026-06-10"}, {"name": "Fair", "day": "2025-06-01"}]
    for key, value, kept in (("price_bands", [0, 50, 99.5], [0, 50, 99.5]), ("festivals", fair, fair[::-1])):
        path = f"/settings/{key}"
        assert "value" not in buyers.get(path, chief).json(), "nothing is said of what is null"
        changed = buyers.send("PATCH", path, chief, {"value": value})
        assert (changed.status_code, changed.json()["value"]) == (200, kept), changed.text
        assert "value" not in buyers.send("PATCH", path, chief, {"value": None}).json()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("price_bands", []),
        ("price_bands", [1, 2]),
        ("price_bands", [0, 2, 2]),
        ("price_bands", [0, 1.005]),
        ("price_bands", 5),
        ("festivals", [{"name": "Fair"}]),
        ("festivals", [{"name": "Fair", "day": "2025-02-30"}]),
        ("festivals", [{"name": "Fair", "day": "2025-02-01"}] * 2),
        ("festivals", [0, 5]),
        ("expense_approval_limit", -1),
        ("expense_approval_limit", 1.001),
        ("expense_approval_limit", True),
        ("expense_approval_limit", "much"),
        ("expense_approval_limit", None),
        ("expense_approval_limit", 1e300),
        ("expense_approval_limit", [1]),
        ("receipt_over_share", 1.5),
        ("fiscal_year_first_month", 13),
        ("fiscal_year_first_month", 1.5),
        ("transfer_needs_approval", 1),
        ("transfer_needs_approval", "true"),
    ],
)
def test_a_value_of_the_wrong_kind_or_out_of_bounds_is_refused(buyers, key: str, value: object) -> None:
    chief = buyers.user("superadmin", ())
    before = buyers.get(f"/settings/{key}", chief).text
    assert buyers.send("PATCH", f"/settings/{key}", chief, {"value": value}).status_code == 422
    assert buyers.get(f"/settings/{key}", chief).text == before


def test_unknown_settings_are_unknown(buyers) -> None:
    chief = buyers.user("superadmin", ())
    assert buyers.problem(buyers.get("/settings/colour", chief)) == (404, "unknown-setting")
    assert buyers.problem(buyers.send("PATCH", "/settings/colour", chief, {"value": 1})) == (404, "unknown-setting")
    assert buyers.problem(buyers.get("/settings/No-Key", chief))[0] == 422


def test_discount_caps_are_changed_within_bounds(buyers) -> None:
    chief = buyers.user("superadmin", ())
    caps = buyers.get("/discount-caps", buyers.accountant).json()["items"]
    assert len(caps) == 35
    (staff,) = [cap for cap in caps if (cap["role"], cap["discount_class"]) == ("staff", "MASS")]
    path = f"/discount-caps/{staff['discount_cap_id']}"
    assert buyers.send("PATCH", path, chief, {"cap_share": "0.12"}).json()["cap_share"] == "0.1200"
    assert buyers.send("PATCH", path, chief, {"cap_share": "1.2"}).status_code == 422
    assert buyers.problem(buyers.send("PATCH", path, buyers.admin, {"cap_share": "1"})) == (403, "not-permitted")
    (never,) = [cap for cap in caps if (cap["role"], cap["discount_class"]) == ("staff", "NON_DISCOUNTABLE")]
    refused = buyers.send("PATCH", f"/discount-caps/{never['discount_cap_id']}", chief, {"cap_share": "0.1"})
    assert buyers.problem(refused) == (422, "never-discounted")
    assert buyers.audited("discount_cap", staff["discount_cap_id"]) == ["setting.changed"]
    buyers.send("PATCH", path, chief, {"cap_share": "0.10"})
