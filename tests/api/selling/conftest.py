"""A shop to sell in: the real app on a database of the module; each test has a store, products and people."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
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


class Shop:
    """One store and who works there. `rows` reads the database past every wall; `post` is a request to the API."""

    def __init__(self, url: str, client: TestClient, make_user: Any) -> None:
        self.url, self.client, self.make_user = url, client, make_user
        self.number = next(COUNT)
        self.code = f"S{self.number:02}"
        self.store_id = self.add("stores", store_code=self.code, name="A store", state_code="27")
        self.add("tax_classes", code=f"T{self.number}", name="Goods")
        self.tax_class_id = self.one("SELECT max(tax_class_id) AS id FROM tax_classes")["id"]
        self.tax("0.18", "2020-01-01")
        self.category = self.make_category("frame")
        self.staff = self.user("staff")
        self.manager = self.user("manager")
        self.admin = self.user("admin", stores=())

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, *values: object) -> dict[str, Any]:
        (row,) = self.rows(statement, *values)
        return row

    def add(self, table: str, **values: object) -> int:
        """A row; the first column of its key."""
        names = sql.SQL(", ").join(map(sql.Identifier, values))
        places = sql.SQL(", ").join(sql.Placeholder() * len(values))
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING *").format(sql.Identifier(table), names, places)
        with psycopg.connect(self.url, autocommit=True) as connection:
            return int(connection.execute(statement, list(values.values())).fetchone()[0])

    def tax(self, rate: str, from_on: str, to_on: str | None = None) -> int:
        return self.add(
            "tax_rates", tax_class_id=self.tax_class_id, rate=rate, valid_from_on=from_on, valid_to_on=to_on
        )

    def make_category(self, kind: str) -> str:
        code = f"{kind} {self.number}"
        self.rows("DELETE FROM categories WHERE code = %s", code)
        self.add("categories", code=code, name=kind, kind=kind, tax_class_id=self.tax_class_id)
        return code

    def product(self, price: str | None = "100", stock: int = 0, **given: object) -> int:
        values = {"sku": f"P{next(COUNT)}", "name": "A thing", "category": self.category, "unit_price": price, **given}
        product_id = self.add("products", **values)
        if stock:
            self.put(product_id, stock)
        return product_id

    def put(self, product_id: int, quantity: int, cell: int | None = None, unit: int | None = None) -> None:
        """Goods on the shelves, from nowhere."""
        self.rows(
            "INSERT INTO stock_moves (product_id, quantity, source_location_id, destination_location_id, moved_on,"
            " kind, lens_cell_id, stock_unit_id) SELECT %s, %s, o.location_id, s.location_id, '2024-01-01', 'opening',"
            " %s, %s FROM stock_locations AS o, stock_locations AS s"
            " WHERE o.kind = 'opening' AND s.kind = 'store' AND s.store_id = %s",
            product_id, quantity, cell, unit, self.store_id,
        )  # fmt: skip

    def level(self, product_id: int, place: str = "store") -> tuple[int, int]:
        """On hand and reserved in a place of the store."""
        row = self.one(
            "SELECT coalesce(sum(on_hand), 0)::int AS on_hand, coalesce(sum(reserved), 0)::int AS reserved"
            " FROM stock_balances JOIN stock_locations USING (location_id)"
            " WHERE product_id = %s AND kind = %s AND store_id = %s",
            product_id, place, self.store_id,
        )  # fmt: skip
        return row["on_hand"], row["reserved"]

    def user(self, role: str, stores: tuple[str, ...] | None = None, grants: tuple[str, ...] = ()) -> dict[str, str]:
        """A new user of the store; the headers of their requests."""
        name = f"{role}{next(COUNT)}"
        token = self.make_user(self.url, name, (role,), (self.code,) if stores is None else stores, grants)
        return {"authorization": f"Bearer {token}"}

    def get(self, path: str, who: dict[str, str] | None = None, **parameters: Any) -> Response:
        return self.client.get(f"/api/v1{path}", headers=who or self.manager, params=parameters)

    def post(self, path: str, body: Any = None, who: dict[str, str] | None = None, key: str | None = None) -> Response:
        headers = {**(who or self.manager), "idempotency-key": key or uuid.uuid4().hex}
        return self.client.post(f"/api/v1{path}", headers=headers, json=body)

    def send(self, method: str, path: str, body: Any, who: dict[str, str] | None = None, **headers: str) -> Response:
        return self.client.request(method, f"/api/v1{path}", headers={**(who or self.manager), **headers}, json=body)

    def draft(self, *lines: dict[str, Any], who: dict[str, str] | None = None, **terms: Any) -> dict[str, Any]:
        answer = self.post("/orders", {"store_id": self.store_id, "lines": list(lines), **terms}, who)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def step(self, order: dict[str, Any], name: str, who: dict[str, str] | None = None, body: Any = None) -> Response:
        return self.post(f"/orders/{order['sales_order_id']}/{name}", body, who)

    def confirmed(self, *lines: dict[str, Any], **terms: Any) -> dict[str, Any]:
        answer = self.step(self.draft(*lines, **terms), "confirm")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pay(self, order: dict[str, Any], amount: Any = None, who: dict[str, str] | None = None) -> Response:
        body = {"method": "cash", "amount": str(amount or order["total_amount"])}
        return self.post(f"/orders/{order['sales_order_id']}/payments", body, who)

    def delivered(self, *lines: dict[str, Any], **terms: Any) -> dict[str, Any]:
        order = self.confirmed(*lines, **terms)
        assert self.pay(order).status_code == 201
        answer = self.step(order, "deliver")
        assert answer.status_code == 200, answer.text
        return answer.json()


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
def shop(shared_url: str, app_client: TestClient, make_user: Any) -> Shop:
    """A store of this test's own."""
    return Shop(shared_url, app_client, make_user)
