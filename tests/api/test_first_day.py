"""A chain's first day through the API alone, each step by whoever does it in the shop; the ledger is sound at night."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.services.audit_integrity import verify
from api.services.invariants import check_invariants

FISCAL_YEAR = dt.date(2026, 4, 1)


class People:
    """The people of a chain and one client: `people.asha("POST", "/orders", {...})` is a request of hers."""

    def __init__(self, client: TestClient, make_user: Any, url: str) -> None:
        self._client, self._make_user, self._url = client, make_user, url
        self._tokens: dict[str, str] = {}

    def hire(self, name: str, role: str, *stores: str, grants: tuple[str, ...] = ()) -> None:
        """Somebody new, signed in."""
        self._tokens[name] = self._make_user(self._url, name, roles=(role,), stores=stores, grants=grants)

    def __getattr__(self, name: str) -> Any:
        def ask(method: str, path: str, body: Any = None, *, expect: int | None = None) -> Any:
            headers = {"authorization": f"Bearer {self._tokens[name]}", "idempotency-key": uuid.uuid4().hex}
            answer = self._client.request(method, f"/api/v1{path}", json=body, headers=headers)
            assert answer.status_code == expect if expect else answer.is_success, f"{method} {path}: {answer.text}"
            return answer.json() if answer.content else None

        return ask


@pytest.fixture
def people(installation, make_user) -> Iterator[People]:
    url = installation.databases.operational
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO chain (name, currency, timezone, as_of, sales_grain, unmet_demand)"
            " VALUES ('Drishva', 'INR', 'Asia/Kolkata', '2026-04-01', 'line', 'lost')"
        )
        connection.execute("INSERT INTO categories (code, name, kind) VALUES ('Frames', 'Frames', 'frame')")
    with TestClient(create_app(installation.databases), base_url="http://ims.test") as client:
        people = People(client, make_user, url)
        people.hire("root", "superadmin")
        people.hire("admin", "admin")
        for code, city in (("S01", "Pune"), ("S02", "Mumbai")):
            people.admin("POST", "/stores", {"store_code": code, "name": f"Drishva {city}", "city": city})
        people.hire("asha", "manager", "S01")
        people.hire("omar", "manager", "S02")
        people.hire("sita", "staff", "S01")
        people.hire("dev", "staff", "S01", grants=("prescription:write", "prescription:read", "eye_test:write"))
        people.hire("bina", "buyer")
        people.hire("carl", "accountant")
        yield people


def test_the_first_day(people: People, installation) -> None:
    here, there = (store["store_id"] for store in reversed(people.admin("GET", "/stores")["items"]))

    # the catalogue: what is sold, at which price and tax
    tax = people.admin("POST", "/tax-classes", {"code": "OPTICAL", "name": "Frames and lenses"})["tax_class_id"]
    people.admin("POST", f"/tax-classes/{tax}/rates", {"rate": "0.05", "valid_from_on": FISCAL_YEAR.isoformat()})
    frame = people.admin(
        "POST",
        "/products",
        {
            "sku": "FR-1",
            "name": "Round 48",
            "category": "Frames",
            "tax_class_id": tax,
            "unit_price": "2000",
            "mrp": "2500",
        },
    )["product_id"]
    people.bina("PATCH", f"/products/{frame}/terms", {"unit_cost": "900"})
    assert "unit_cost" not in people.asha("GET", f"/products/{frame}")
    assert people.carl("GET", f"/products/{frame}")["unit_cost"] == "900.0000"

    # purchase → receipt: four eyes, and one piece is sent back
    vendor = people.bina("POST", "/vendors", {"vendor_code": "V1", "name": "Optics Trade"})["vendor_id"]
    order = people.bina(
        "POST",
        "/purchase-orders",
        {
            "vendor_id": vendor,
            "delivery_store_id": here,
            "lines": [{"product_id": frame, "quantity": 10, "unit_cost": "900"}],
        },
    )
    purchase = f"/purchase-orders/{order['purchase_order_id']}"
    people.bina("POST", f"{purchase}/approve", expect=403)
    people.admin("POST", f"{purchase}/approve")
    people.bina("POST", f"{purchase}/send")
    line = people.bina("GET", purchase)["lines"][0]["purchase_order_line_id"]
    people.asha(
        "POST",
        f"{purchase}/receipts",
        {"lines": [{"purchase_order_line_id": line, "accepted_qty": 9, "rejected_qty": 1, "reason": "damaged"}]},
    )
    assert on_hand(people, here) == (9, 9)

    # transfer: asked for by the other store, approved by somebody else, shipped and received
    wish = {"from_store_id": here, "to_store_id": there, "lines": [{"product_id": frame, "quantity": 3}]}
    moved = people.omar("POST", "/transfers", wish)
    transfer = f"/transfers/{moved['stock_transfer_id']}"
    people.omar("POST", f"{transfer}/approve", {}, expect=403)
    people.bina("POST", f"{transfer}/approve", {})
    people.asha("POST", f"{transfer}/ship", {})
    people.omar("POST", f"{transfer}/receive", {})
    assert (on_hand(people, here), on_hand(people, there)) == ((6, 6), (3, 3))

    # customer → eye test → prescription
    customer = people.sita(
        "POST", "/customers", {"full_name": "Meera Joshi", "mobile": "+919812345678", "home_store_id": here}
    )["customer_id"]
    patient = people.sita(
        "POST", f"/customers/{customer}/patients", {"full_name": "Meera Joshi", "born_on": "1988-02-01"}
    )["patient_id"]
    people.sita(
        "POST", f"/customers/{customer}/consents", {"purpose": "reminders", "is_granted": True, "source": "store"}
    )
    waiting = people.sita("POST", "/eye-test-queue", {"store_id": here, "patient_id": patient, "reason": "new_glasses"})
    test = people.dev("POST", "/eye-tests", {"eye_test_queue_id": waiting["eye_test_queue_id"]})["eye_test_id"]
    people.dev(
        "POST",
        "/prescriptions",
        {
            "patient_id": patient,
            "store_id": here,
            "source": "tested_at_store",
            "eye_test_id": test,
            "eyes": {"right": {"sph": "-1.25", "cyl": "-0.50", "axis": 90}, "left": {"sph": "-1.50"}},
        },
    )
    people.dev("POST", f"/eye-tests/{test}/complete", {"outcome": "new_rx"})

    # order → payment → delivery, by one seller; the till of the other store sees nothing of it
    sale = people.sita(
        "POST", "/orders", {"store_id": here, "customer_id": customer, "lines": [{"product_id": frame, "quantity": 2}]}
    )
    path = f"/orders/{sale['sales_order_id']}"
    confirmed = people.sita("POST", f"{path}/confirm")
    assert Decimal(confirmed["total_amount"]) == Decimal("4200.00")
    assert on_hand(people, here) == (6, 4)
    people.omar("GET", path, expect=403)
    people.sita("POST", f"{path}/deliver", expect=409)
    people.sita("POST", f"{path}/payments", {"method": "upi", "amount": "4200.00", "reference": "UPI-1"})
    delivered = people.sita("POST", f"{path}/deliver")
    assert delivered["status"] == "delivered"
    assert on_hand(people, here) == (4, 4)

    # count: one is missing; the expense of the day
    count = people.asha("POST", "/counts", {"store_id": here, "product_ids": [frame]})["stock_count_id"]
    people.asha("POST", f"/counts/{count}/lines", {"lines": [{"product_id": frame, "counted_qty": 3}]})
    people.asha("POST", f"/counts/{count}/post")
    assert on_hand(people, here) == (3, 3)
    spent = {
        "store_id": here,
        "category": "travel",
        "spent_on": str(dt.date.today()),
        "amount": "250",
        "description": "Cab",
    }
    expense = people.asha("POST", "/expenses", spent)["expense_id"]
    people.asha("POST", f"/expenses/{expense}/approve", expect=403)
    people.carl("POST", f"/expenses/{expense}/approve")

    # the night: everything is told, everything adds up
    told = {event["kind"] for event in people.admin("GET", "/audit?limit=200")["items"]}
    assert {"order.confirmed", "order.delivered", "payment.received", "access.denied"} <= told
    with psycopg.connect(installation.databases.operational) as connection:
        assert verify(connection, lambda *_: None).is_whole
        assert {name: count for name, count in check_invariants(connection).items() if count} == {}


def on_hand(people: People, store_id: int) -> tuple[int, int]:
    """(on hand, available) of the one product in a store."""
    items = people.admin("GET", f"/stock/levels?store_id={store_id}")["items"]
    return (items[0]["on_hand"], items[0]["available"]) if items else (0, 0)
