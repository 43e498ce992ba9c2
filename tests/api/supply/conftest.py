"""A chain that buys: the real app on a database of the module; each test has two stores, a vendor and people."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx import Response
from psycopg import sql
from psycopg.rows import dict_row

from api.app import create_app
from ims.postgres import Databases

COUNT = itertools.count(1)
TODAY = "(now() AT TIME ZONE 'Asia/Kolkata')::date"


def problem(answer: Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix("urn:ims:problem:")


class Buyers:
    """Two stores (`here`, `there`), a vendor, and people by role, with a manager of each store."""

    problem = staticmethod(problem)

    def __init__(self, url: str, client: TestClient, make_user: Any) -> None:
        self.url, self.client, self.make_user = url, client, make_user
        number = next(COUNT)
        self.codes = (f"H{number:02}", f"T{number:02}")
        self.here, self.there = (self.add("stores", store_code=code, name="A store") for code in self.codes)
        self.vendor = self.add(
            "vendors", vendor_code=f"V{number}", name="Frames & Co", email=f"orders{number}@vendor.example"
        )
        self.admin, self.buyer, self.accountant = (self.user(role, ()) for role in ("admin", "buyer", "accountant"))
        self.manager = self.user("manager")
        self.stranger = self.user("manager", (self.codes[1],))

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, *values: object) -> dict[str, Any]:
        (row,) = self.rows(statement, *values)
        return row

    def add(self, table: str, **values: object) -> Any:
        """A row; the first column of its key."""
        names = sql.SQL(", ").join(map(sql.Identifier, values))
        places = sql.SQL(", ").join(sql.Placeholder() * len(values))
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING *").format(sql.Identifier(table), names, places)
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement, list(values.values())).fetchone()[0]

    def user(self, role: str, stores: tuple[str, ...] | None = None, grants: tuple[str, ...] = ()) -> dict[str, str]:
        """A new user, of the store here if none is named; the headers of their requests."""
        token = self.make_user(
            self.url, f"{role}{next(COUNT)}", (role,), self.codes[:1] if stores is None else stores, grants
        )
        return {"authorization": f"Bearer {token}"}

    def product(self, cost: str | None = "40", **term: object) -> int:
        """A product that the vendor supplies."""
        product = {name: term.pop(name) for name in ("is_serialised", "is_batch_tracked") if name in term}
        product_id = self.add("products", sku=f"B{next(COUNT)}", name="A thing", category="c", **product)
        values = {"lead_time_days": 5, "review_period_days": 7, "unit_cost": cost, **term}
        self.add("supply_terms", product_id=product_id, vendor_id=self.vendor, **values)
        return product_id

    def suggestion(self, quantity: int = 6, product: int | None = None, **given: object) -> int:
        """A proposed purchase for the store here, of a publication of today."""
        known = self.rows("SELECT publication_id FROM publication_pointer")
        publication = known[0]["publication_id"] if known else self._publish()
        values: dict[str, object] = {
            "kind": "purchase", "store_id": self.here, "vendor_id": self.vendor, "on_hand": 0, "on_order": 0,
            "expected_demand": 3, "demand_p50": 3, "demand_p90": 6, "reason": "BELOW_TARGET", "priority": "10",
        }  # fmt: skip
        today = self.one(f"SELECT {TODAY} AS day")["day"]
        values |= {"as_of": today, "order_by": today, "arrives_on": today, "covers_until": today}
        values |= {"expires_on": today + dt.timedelta(days=7), "receipt": json.dumps({"shortage_cost_per_unit": 9})}
        product = self.product() if product is None else product
        return self.add(
            "suggestions",
            **{**values, **given, "publication_id": publication, "product_id": product, "suggested_qty": quantity},
        )

    def _publish(self) -> int:
        self.add("runs", run_id="r", as_of="2026-01-01", state="published")
        publication = self.add(
            "publications", run_id="r", snapshot_id=1, as_of="2026-01-01", data_as_of="2026-01-01", fingerprint="f",
            checks="{}", metric_version="1", notes="[]",
        )  # fmt: skip
        self.add("publication_pointer", publication_id=publication, moved_by="test")
        return publication

    def level(self, product_id: int, place: str = "store") -> int:
        """On hand in a place of the store here."""
        return self.one(
            "SELECT coalesce(sum(on_hand), 0)::int AS n FROM stock_balances JOIN stock_locations USING (location_id)"
            " WHERE product_id = %s AND kind = %s AND store_id = %s",
            product_id, place, self.here,
        )["n"]  # fmt: skip

    def open_of(self, order: dict[str, Any]) -> tuple[str, int, int] | None:
        """Store, units and units to come, as the list of orders says that are drafts or with their vendor."""
        listed = self.get("/purchase-orders", self.buyer, status=["draft", "sent"], store_id=self.here).json()["items"]
        found = {item["purchase_order_id"]: item for item in listed}.get(order["purchase_order_id"])
        return found and (found["delivery_store_code"], found["units"], found["open_units"])

    def set(self, key: str, value: object) -> None:
        """Give a setting a value, past the API."""
        self.rows(
            "INSERT INTO chain_settings (key, value, description) VALUES (%s, %s::jsonb, 'x')"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key, json.dumps(value),
        )  # fmt: skip

    def get(self, path: str, who: dict[str, str], **parameters: Any) -> Response:
        return self.client.get(f"/api/v1{path}", headers=who, params=parameters)

    def post(self, path: str, who: dict[str, str], body: Any = None, key: str | None = None) -> Response:
        headers = {**who, "idempotency-key": key or uuid.uuid4().hex}
        return self.client.post(f"/api/v1{path}", headers=headers, json=body)

    def send(self, method: str, path: str, who: dict[str, str], body: Any = None, **headers: str) -> Response:
        return self.client.request(method, f"/api/v1{path}", headers={**who, **headers}, json=body)

    def made(self, path: str, who: dict[str, str], body: Any = None, status: int = 201) -> dict[str, Any]:
        """`post` that must succeed."""
        answer = self.post(path, who, body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def sent_order(self, *lines: dict[str, Any]) -> dict[str, Any]:
        """An order of the buyer that the admin approved and sent."""
        body = {"vendor_id": self.vendor, "delivery_store_id": self.here, "lines": list(lines)}
        path = f"/purchase-orders/{self.made('/purchase-orders', self.buyer, body)['purchase_order_id']}"
        self.made(f"{path}/approve", self.admin, status=200)
        return self.made(f"{path}/send", self.admin, status=200)

    def at_once(self, *calls: Callable[[], Response]) -> list[Response]:
        """Requests from threads of their own."""
        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.result() for future in [pool.submit(call) for call in calls]]

    def audited(self, entity_type: str, entity_id: object) -> list[str]:
        """The kinds of events of a record, in order."""
        rows = self.rows(
            "SELECT kind FROM audit_log WHERE entity_type = %s AND entity_id = %s ORDER BY at, audit_id",
            entity_type, str(entity_id),
        )  # fmt: skip
        return [row["kind"] for row in rows]


@pytest.fixture(scope="module")
def app_client(shared_url: str) -> Iterator[TestClient]:
    """The app on the module's database, whose chain is in India."""
    with psycopg.connect(shared_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO chain (name, currency, timezone, as_of, sales_grain, unmet_demand)"
            " VALUES ('c', 'INR', 'Asia/Kolkata', '2024-01-01', 'line', 'lost')"
        )
    with TestClient(create_app(Databases(shared_url, shared_url, shared_url)), base_url="http://ims.test") as client:
        yield client


@pytest.fixture
def buyers(shared_url: str, app_client: TestClient, make_user: Any) -> Buyers:
    """Stores and people of this test's own."""
    return Buyers(shared_url, app_client, make_user)
