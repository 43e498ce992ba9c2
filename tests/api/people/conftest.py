"""Two stores and the people who work with their customers: the real app on a database of the module."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
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
from api.identity.principal import Origin, Reach, SignedIn
from api.services.action import Action
from ims.postgres import Databases
from ims.settings import get_settings

COUNT = itertools.count(1)
# said nowhere else in the database, so that one look through all of it tells whether somebody is left
NAME, CHILD, DOCTOR = "Quirina Xantippe", "Zoroaster Xantippe", "Dr Wolpertinger"
MAIL, CITY, REMARK = "quirina@xantippe.example", "Xyloville", "she moved to Ypsilanti"
NEEDLES = ("Quirina", "Xantippe", "Zoroaster", "Wolpertinger", "Xyloville", "Ypsilanti", "1987-06-05")
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

    needles, name, child, mail = NEEDLES, NAME, CHILD, MAIL

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

    def person(self) -> dict[str, Any]:
        """A customer of whom every kind of record is held."""
        mobile = f"+9177{uuid.uuid4().int % 10**8:08}"
        key, mail = uuid.uuid4().hex, f"{uuid.uuid4().hex}.{MAIL}"
        body = {"full_name": NAME, "mobile": mobile, "email": mail, "city": CITY, "home_store_id": self.s1}
        customer = self.post("staff", "/customers", body, idempotency_key=key)
        customer_id = customer["customer_id"]
        path = f"/customers/{customer_id}"
        child = {"full_name": CHILD, "born_on": "1987-06-05", "gender": "other"}
        child_key = uuid.uuid4().hex
        patient = self.post("staff", f"{path}/patients", child, idempotency_key=child_key)
        self.post("staff", f"{path}/consents", {"purpose": "reminders", "is_granted": True, "source": "store"})
        self.patch("staff", path, {"city": f"{CITY} 2"})
        token = self.post("staff", "/eye-test-queue", {"store_id": self.s1, "patient_id": patient["patient_id"]})
        test = self.post("optometrist", "/eye-tests", {"eye_test_queue_id": token["eye_test_queue_id"]})
        self.post("optometrist", f"/eye-tests/{test['eye_test_id']}/complete", {"outcome": "new_rx"}, 200)
        given = {"patient_id": patient["patient_id"], "store_id": self.s1, "eyes": {"left": {"sph": "-1.5"}}}
        doctors = {**given, "source": "from_doctor", "doctor_name": DOCTOR}
        rx = self.post("optometrist", "/prescriptions", doctors)
        replaced = f"/prescriptions/{rx['prescription_id']}/versions"
        self.post("optometrist", replaced, doctors)
        product = self.add("products", sku=uuid.uuid4().hex, name="A frame", category="frame", unit_price=100)
        amounts = {
            "subtotal_amount": 100,
            "discount_amount": 0,
            "taxable_amount": 100,
            "tax_amount": 5,
            "total_amount": 105,
        }
        order = self.order(customer_id, self.s1, patient_id=patient["patient_id"], **amounts)
        line = self.add(
            "sales_order_lines", ordered_on="2026-01-05", sales_order_id=order, line_ref="1", product_id=product,
            sold_on="2026-01-05", quantity=1, unit_price=100, discount_amount=0, net_amount=100, tax_rate="0.05",
            tax_amount=5, line_total=105, cost_at_sale="41.4141", prescription_id=rx["prescription_id"],
        )  # fmt: skip
        self.add("payments", sales_order_id=order, method="cash", amount=105, received_at="2026-01-05T10:00:00Z")
        user = self.rows("SELECT user_id FROM users WHERE username = 'manager'")[0]["user_id"]
        back = self.add(
            "sales_returns", return_number=uuid.uuid4().hex, sales_order_id=order, store_id=self.s1,
            returned_on="2026-01-07", reason=REMARK, taxable_amount=100, tax_amount=5, total_amount=105,
            created_by=user,
        )  # fmt: skip
        self.add(
            "sales_return_lines", sales_return_id=back, sales_order_line_id=line, ordered_on="2026-01-05", quantity=1,
            condition="good", taxable_amount=100, tax_amount=5,
        )  # fmt: skip
        self.order(customer_id, self.s1, status="cancelled", cancel_reason=REMARK)
        reference = self.rows("SELECT order_number FROM sales_orders WHERE sales_order_id = %s", order)[0][
            "order_number"
        ]
        message = {"reference": reference, "store": CITY}
        for state, recipient in (("pending", mail), ("dead", "manager@chain.example")):
            self.rows(
                "INSERT INTO outbox_messages (topic, channel, recipient, subject, payload, state, last_error)"
                " VALUES ('order.ready', 'smtp', %s, %s, %s::jsonb, %s, %s)",
                recipient,
                f"For {NAME}",
                json.dumps(message),
                state,
                f"refused for {mail}",
            )
        self.rows(
            "INSERT INTO outbox_deliveries (message_id, attempt, is_delivered, error)"
            " SELECT message_id, 1, false, 'no ' || %s FROM outbox_messages WHERE recipient = %s",
            mail,
            mail,
        )
        return {
            "id": customer_id, "path": path, "mobile": mobile, "key": key, "body": body, "patient": patient, "rx": rx,
            "child": child, "child_key": child_key, "order": order,
        }  # fmt: skip

    def act(self, work: Any, *arguments: Any) -> Any:
        """Run a service past the walls."""

        async def run() -> Any:
            async with await psycopg.AsyncConnection.connect(self.url) as connection:
                user = SignedIn(0, "test", frozenset({"superadmin"}), 0, dt.datetime.max.replace(tzinfo=dt.UTC))
                return await work(Action(connection, user, Origin("t"), "customer:erase", Reach(None)), *arguments)

        return asyncio.run(run())

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
