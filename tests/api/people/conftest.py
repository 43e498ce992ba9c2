"""Two stores and the people who work with their customers: the real app on a database of the module."""

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
from ims.settings import get_settings

COUNT = itertools.count(1)
USERS: dict[str, dict[str, Any]] = {
    "superadmin": {"roles": ("superadmin",)},
    "admin": {"roles": ("admin",)},
    "buyer": {"roles": ("buyer",)},
    "accountant": {"roles": ("accountant",)},
    "analyst": {"roles": ("analyst",)},
    "manager": {"roles": ("manager",), "stores": ("S1",)},
    "manager of S2": {"roles": ("manager",), "stores": ("S2",)},
    "staff": {"roles": ("staff",), "stores": ("S1",)},
    "staff of S2": {"roles": ("staff",), "stores": ("S2",)},
    "optometrist": {
        "roles": ("staff",),
        "stores": ("S1",),
        "grants": ("prescription:read", "prescription:write", "eye_test:write"),
    },
    "optometrist of S2": {
        "roles": ("staff",),
        "stores": ("S2",),
        "grants": ("prescription:read", "prescription:write", "eye_test:write"),
    },
}


class Clinic:
    """The chain as seen through its API by each of its people; `rows` reads the database past every wall."""

    def __init__(self, url: str, client: TestClient, make_user: Any) -> None:
        self.url, self.client = url, client
        self.add(
            "chain",
            name="c",
            currency="INR",
            timezone="Asia/Kolkata",
            as_of="2026-01-01",
            sales_grain="line",
            unmet_demand="lost",
        )
        self.s1, self.s2 = (self.add("stores", store_code=code, name=code) for code in ("S1", "S2"))
        self.tokens = {name: make_user(url, name.replace(" ", "_"), **given) for name, given in USERS.items()}

    def ask(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """A request of somebody; one that creates gets a new key unless it brings one."""
        given = {"authorization": f"Bearer {self.tokens[who]}", "idempotency-key": uuid.uuid4().hex}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, f"/api/v1{path}", json=body, headers=given)

    def get(self, who: str, path: str, status: int = 200) -> Any:
        answer = self.ask(who, "GET", path)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, who: str, path: str, body: Any = None, status: int = 201, **headers: str) -> Any:
        answer = self.ask(who, "POST", path, body, **headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def patch(self, who: str, path: str, body: Any, status: int = 200, **headers: str) -> Any:
        answer = self.ask(who, "PATCH", path, body, **headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def customer(self, who: str = "staff", **given: Any) -> dict[str, Any]:
        number = next(COUNT)
        store = self.s2 if who.endswith("S2") else self.s1
        values = {"full_name": f"Asha Menon {number}", "mobile": f"+9198{number:08}", "home_store_id": store, **given}
        return self.post(who, "/customers", values)  # type: ignore[no-any-return]

    def patient(self, who: str = "staff", born_on: str | None = "1980-05-04", **given: Any) -> dict[str, Any]:
        customer = given.pop("customer", None) or self.customer(who)
        values = {"full_name": "Ravi Menon", "born_on": born_on, "gender": "male", **given}
        return self.post(who, f"/customers/{customer['customer_id']}/patients", values)  # type: ignore[no-any-return]

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def add(self, table: str, **values: object) -> int:
        """A row past the API; the first column of its key."""
        names = sql.SQL(", ").join(map(sql.Identifier, values))
        places = sql.SQL(", ").join(sql.Placeholder() * len(values))
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING *").format(sql.Identifier(table), names, places)
        with psycopg.connect(self.url, autocommit=True) as connection:
            return int(connection.execute(statement, list(values.values())).fetchone()[0])

    def order(self, customer_id: int, store_id: int, status: str = "delivered", **given: Any) -> int:
        number = f"O-{next(COUNT)}"
        return self.add(
            "sales_orders", order_ref=number, order_number=number, store_id=store_id, customer_id=customer_id,
            status=status, **{"ordered_on": "2026-01-05", **given},
        )  # fmt: skip

    def events(self, kind: str, entity_id: int) -> list[dict[str, Any]]:
        return self.rows(
            "SELECT * FROM audit_log WHERE kind = %s AND entity_id = %s ORDER BY audit_id", kind, str(entity_id)
        )


@pytest.fixture(scope="module")
def clinic(
    shared_url: str, server: Databases, make_user: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clinic]:
    """The clinic of a test module, with a home of its own for keys."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMS_HOME", str(tmp_path_factory.mktemp("clinic")))
        patch.setenv("IMS_DATABASE_URL", shared_url)
        get_settings.cache_clear()
        app = create_app(Databases(shared_url, server.lake, server.dagster))
        with TestClient(app, base_url="http://ims.test") as client:
            yield Clinic(shared_url, client, make_user)
    get_settings.cache_clear()
