"""Three stores with shelves, products and people: the real app on a database of the module."""

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
from api.services.invariants import check_invariants
from ims.postgres import Databases

COUNT = itertools.count(1)
Who = dict[str, str]


class Chain:
    """Stores `here`, `there` and `away`; managers of one store each, one of both, and the people of the head office."""

    def __init__(self, url: str, client: TestClient, make_user: Any) -> None:
        self.url, self.client, self.make_user = url, client, make_user
        self.codes = {name: f"{name[0].upper()}{next(COUNT):02}" for name in ("here", "there", "away")}
        self.here, self.there, self.away = (
            self.add("stores", store_code=code, name="A store") for code in self.codes.values()
        )
        self.manager = self.user("manager", "here")
        self.other = self.user("manager", "there")
        self.area = self.user("manager", "here", "there")
        self.staff = self.user("staff", "here")
        self.admin, self.boss = self.user("admin"), self.user("superadmin")
        self.buyer = self.user("buyer")

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

    def user(self, role: str, *stores: str, email: str | None = None) -> Who:
        """A new user of these stores; the headers of their requests."""
        name = f"{role}{next(COUNT)}"
        token = self.make_user(self.url, name, (role,), tuple(self.codes[store] for store in stores))
        if email is not None:
            self.rows("UPDATE users SET email = %s WHERE username = %s", email, name)
        return {"authorization": f"Bearer {token}"}

    def product(self, stock: int = 0, **given: object) -> int:
        values = {"sku": f"P{next(COUNT)}", "name": "A thing", "category": "frames", "unit_cost": "10", **given}
        product_id = self.add("products", **values)
        if stock:
            self.put(product_id, stock)
        return product_id

    def put(
        self, product_id: int, quantity: int, store: int | None = None, cell: int | None = None, unit: int | None = None
    ) -> int:
        """Goods on the shelves, from nowhere."""
        rows = self.rows(
            "INSERT INTO stock_moves (product_id, quantity, source_location_id, destination_location_id, moved_on,"
            " kind, lens_cell_id, stock_unit_id) SELECT %s, %s, o.location_id, s.location_id, '2024-01-01', 'opening',"
            " %s, %s FROM stock_locations AS o, stock_locations AS s"
            " WHERE o.kind = 'opening' AND s.kind = 'store' AND s.store_id = %s RETURNING stock_move_id",
            product_id, quantity, cell, unit, store or self.here,
        )  # fmt: skip
        return int(rows[0]["stock_move_id"])

    def sell(self, product_id: int, quantity: int = 1) -> None:
        """Goods leave `here`, as a sale does."""
        self.rows(
            "INSERT INTO stock_moves (product_id, quantity, source_location_id, destination_location_id, moved_on,"
            " kind) SELECT %s, %s, s.location_id, c.location_id, '2024-01-02', 'sale'"
            " FROM stock_locations AS s, stock_locations AS c"
            " WHERE c.kind = 'customer' AND s.kind = 'store' AND s.store_id = %s",
            product_id, quantity, self.here,
        )  # fmt: skip

    def lens(self, *powers: str) -> tuple[int, list[int]]:
        """A lens from -4 to +4 with cylinders to -2, and cells of these spheres."""
        product_id = self.product(category="lenses")
        self.add(
            "lens_lines",
            product_id=product_id, refractive_index="1.50", material="CR39", kind="SV",
            sph_from="-4", sph_to="4", cyl_from="-2", cyl_to="0",
        )  # fmt: skip
        return product_id, [self.add("lens_cells", product_id=product_id, sph=sph) for sph in powers]

    def serialised(self, *serials: str, store: int | None = None) -> tuple[int, list[int]]:
        """A product with serials, and units of it on the shelves."""
        product_id = self.product(is_serialised=True)
        units = []
        for serial in serials:
            units.append(self.add("stock_units", product_id=product_id, serial=serial, barcode=f"B{next(COUNT)}"))
            self.put(product_id, 1, store, unit=units[-1])
        return product_id, units

    def level(self, product_id: int, store: int | None = None, place: str = "store") -> tuple[int, int]:
        """On hand and reserved in a place of a store, read past every wall."""
        row = self.one(
            "SELECT coalesce(sum(on_hand), 0)::int AS on_hand, coalesce(sum(reserved), 0)::int AS reserved"
            " FROM stock_balances JOIN stock_locations USING (location_id)"
            " WHERE product_id = %s AND kind = %s AND store_id = %s",
            product_id, place, store or self.here,
        )  # fmt: skip
        return row["on_hand"], row["reserved"]

    def get(self, path: str, who: Who | None = None, **parameters: Any) -> Response:
        return self.client.get(f"/api/v1{path}", headers=who or self.manager, params=parameters)

    def items(self, path: str, who: Who | None = None, **parameters: Any) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            answer = self.get(path, who, **parameters, **cursor)
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            if "next_cursor" not in answer.json():
                return found
            cursor = {"cursor": answer.json()["next_cursor"]}

    def post(self, path: str, body: Any = None, who: Who | None = None, key: str | None = None) -> Response:
        headers = {**(who or self.manager), "idempotency-key": key or uuid.uuid4().hex}
        return self.client.post(f"/api/v1{path}", headers=headers, json=body)

    def done(self, path: str, body: Any = None, who: Who | None = None) -> dict[str, Any]:
        """What a request that must succeed answers."""
        answer = self.post(path, body, who)
        assert answer.is_success, answer.text
        return answer.json()

    def events(self, kind: str, entity_id: int) -> list[dict[str, Any]]:
        """What the audit trail says of a record."""
        return self.rows(
            "SELECT after FROM audit_log WHERE kind = %s AND entity_id = %s ORDER BY audit_id", kind, str(entity_id)
        )

    def mails(self, to: str) -> list[str]:
        return [row["subject"] for row in self.rows("SELECT subject FROM outbox_messages WHERE recipient = %s", to)]


def code(answer: Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"].removeprefix("urn:ims:problem:"))


@pytest.fixture
def refused() -> Any:
    """`refused(answer, 409, "stock-below-zero", where=…)` asserts that a request was refused so."""

    def check(answer: Response, status: int, expected: str, where: str | None = None) -> None:
        assert (answer.status_code, code(answer)) == (status, expected), answer.text
        if where is not None:
            assert answer.json()["faults"][0]["where"] == where

    return check


@pytest.fixture
def broken(shared_url: str) -> Any:
    """`broken("UPDATE …")` says which invariants a change breaks that only a superuser can make; nothing stays."""

    def ask(statement: str) -> set[str]:
        with psycopg.connect(shared_url) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(statement.encode())
            found = {name for name, count in check_invariants(connection).items() if count}
            connection.rollback()
        return found

    return ask


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
def chain(shared_url: str, app_client: TestClient, make_user: Any) -> Iterator[Chain]:
    """Stores of this test's own; whatever a test does, every invariant holds after it."""
    yield Chain(shared_url, app_client, make_user)
    with psycopg.connect(shared_url) as connection:
        assert not {name: count for name, count in check_invariants(connection).items() if count}
