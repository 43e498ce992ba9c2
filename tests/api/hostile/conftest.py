"""A world to attack: one record of everything in each of two stores, the seven roles, and a look at all that is kept.

`here` is the first store, where manager and staff belong; `there` the other one; `mine` is made by the asking role.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from psycopg import sql

from api.docs import described_app
from api.identity.policy import roles
from ims.postgres import Databases
from ims.settings import get_settings
from ims.web import create_web
from warehouse.contracts import contracts, create_table
from warehouse.lake import connect, current_snapshot

ROWS: dict[str, dict[str, dict[str, str]]] = tomllib.loads(Path(__file__).with_name("world.toml").read_text("utf-8"))
HERE, THERE = "here", "there"
MARKS = {HERE: "Hither", THERE: "Yonder"}
# a transfer has two ends: whoever works here works at the far one too
PINNED = {"manager", "staff", "buyer"}
CLINICAL = ("prescription:read", "prescription:write", "eye_test:write")
# one of each in a store: a second world of the same store has the same
ONCE = {"stores", "supply_terms", "suggestions", "alerts"}
# what is before a key in a path, and the table it is the key of
TABLES = {
    "adjustments": "stock_adjustments", "alerts": "alerts", "checks": "check_results", "waivers": "check_waivers",
    "counts": "stock_counts", "customers": "customers",
    "discount-approvals": "discount_approvals", "expenses": "expenses", "eye-test-queue": "eye_test_queue",
    "eye-tests": "eye_tests", "discount-caps": "discount_caps", "lab-jobs": "lab_jobs", "lens-grids": "products",
    "moves": "stock_moves", "orders": "sales_orders", "patients": "patients", "prescriptions": "prescriptions",
    "products": "products", "purchase-orders": "purchase_orders", "receipts": "goods_receipts",
    "returns": "sales_returns", "saved-views": "saved_views", "schedules": "report_schedules",
    "sessions": "user_sessions", "settings": "settings", "stores": "stores",
    "suggestions": "suggestions", "supply-terms": "supply_terms", "tax-classes": "tax_classes",
    "transfers": "stock_transfers", "units": "stock_units", "users": "users", "vendor-invoices": "vendor_invoices",
    "vendor-returns": "vendor_returns", "vendors": "vendors",
}  # fmt: skip
SEEDED = {"discount_caps": 1, "settings": "prescription_valid_days"}  # made by the migrations
# what changes with every request, refused or not
RESTLESS = {"audit_log", "audit_chains", "audit_anchors", "rate_limits", "user_sessions"}
# members of a body that name a record
REFERENCES = {
    "store_id": "stores", "home_store_id": "stores", "from_store_id": "stores", "delivery_store_id": "stores",
    "to_store_id": "far", "customer_id": "customers", "patient_id": "patients", "product_id": "products",
    "vendor_id": "vendors", "tax_class_id": "tax_classes", "sales_order_line_id": "sales_order_lines",
    "purchase_order_id": "purchase_orders", "purchase_order_line_id": "purchase_order_lines",
    "expense_category_id": "expense_categories", "goods_receipt_id": "goods_receipts",
    "eye_test_queue_id": "eye_test_queue", "prescription_id": "prescriptions", "suggestion_id": "suggestions",
}  # fmt: skip


class World:
    """The chain, its keys by world and table, and requests of each role; `kept` fingerprints the database."""

    tables, references, clinical = TABLES, REFERENCES, CLINICAL

    def __init__(self, url: str, app: FastAPI, client: TestClient, make_user: Any) -> None:
        self.url, self.app, self.client, self.make_user = url, app, client, make_user
        self.described: dict[str, Any] = described_app().openapi()  # the same, and read once
        self.users: dict[str, int] = {}
        self.keys: dict[str, dict[str, Any]] = {}
        with psycopg.connect(url) as connection:
            connection.execute(
                "INSERT INTO chain (name, currency, timezone, as_of, sales_grain, unmet_demand)"
                " VALUES ('c', 'INR', 'Asia/Kolkata', current_date, 'line', 'lost')"
            )
        for name in ("maker", "approver"):
            self._enter(name, ("admin",), ())
        chain = {**SEEDED, **self._write(ROWS["chain"], {}), "maker": self.users["maker"]}
        for name in (HERE, THERE):
            far = self._add_store(f"{MARKS[name]}-far")
            self.keys[name] = self._write(ROWS["store"], {**chain, "far": far, "name": name})
        self.tokens = {
            role: self._enter(role, (role,), (MARKS[HERE], f"{MARKS[HERE]}-far") if role in PINNED else ())
            for role in roles()
        }
        # who may do what is only given beside a role
        self.tokens["optometrist"] = self._enter(
            "optometrist", ("staff",), (MARKS[HERE], f"{MARKS[HERE]}-far"), CLINICAL
        )
        # the same store, made by the asking role itself: what "own records" reaches
        for role in (*roles(), "optometrist"):
            given = {**self.keys[HERE], "maker": self.users[role], "name": role}
            self.keys[role] = self._write(ROWS["store"], given)

    def key(self, world: str, table: str) -> Any:
        """The key of a table's row in a world; `far` is a second store of it."""
        return self.keys[world][table]

    def path(self, template: str, world: str) -> str:
        """A path with the world's keys in it; a parameter nobody made a record for fails."""

        def fill(found: re.Match[str]) -> str:
            kind = found[1]
            assert kind in TABLES, f"{template}: the world has no record for /{kind}/…; add one to world.toml"
            return f"{kind}/{self.key(world, TABLES[kind])}"

        return re.sub(r"([\w-]+)/\{\w+\}", fill, template)

    def ask(self, role: str, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """A request of a role, with a new Idempotency-Key."""
        given = {"authorization": f"Bearer {self.tokens[role]}", "idempotency-key": uuid.uuid4().hex}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, path, json=body, headers=given)

    def body(self, method: str, path: str, world: str) -> Any:
        """The least body that the description of an operation takes, about the records of a world."""
        operation = self.described["paths"][path][method.lower()]
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        return None if schema is None else self._example(schema, "", world)

    def kept(self) -> dict[str, str]:
        """Table → digest of its rows."""
        with psycopg.connect(self.url) as connection:
            tables = connection.execute(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
                " AND relnamespace = 'public'::regnamespace"
            ).fetchall()
            digest = "SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM {} AS t"
            found = {}
            for (table,) in tables:
                if table not in RESTLESS:
                    row = connection.execute(sql.SQL(digest).format(sql.Identifier(table))).fetchone()
                    found[table] = row[0]
            return found

    def denied(self, user: str) -> int:
        """How often the trail says that a user was refused."""
        with psycopg.connect(self.url) as connection:
            query = "SELECT count(*) FROM audit_log WHERE kind = 'access.denied' AND username = %s"
            return int(connection.execute(query, [user]).fetchone()[0])

    def _enter(self, name: str, given: tuple[str, ...], stores: tuple[str, ...], grants: tuple[str, ...] = ()) -> str:
        token: str = self.make_user(self.url, name, given, stores, grants)
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SELECT user_id FROM users WHERE username = %s", [name]).fetchone()
            self.users[name] = row[0]
        return token

    def _write(self, rows: dict[str, dict[str, str]], known: dict[str, Any]) -> dict[str, Any]:
        keys = dict(known)
        name = keys.pop("name", HERE)
        index = len(self.keys) + 1
        mark = MARKS.get(name, f"{MARKS[HERE]}-{name}")
        with psycopg.connect(self.url, autocommit=True) as connection:
            for table, row in rows.items():
                if table in ONCE and table in keys:
                    continue
                values = {**keys, "approver": self.users["approver"], "index": index}
                texts = [text.replace("~", mark) for text in row.values()]
                for word in sorted(values, key=len, reverse=True):  # @stores before @store
                    texts = [text.replace(f"@{word}", str(values[word])) for text in texts]
                written = connection.execute(
                    f"INSERT INTO {table.split()[0]} ({', '.join(row)}) VALUES ({', '.join(texts)}) RETURNING *"
                ).fetchone()
                keys[table] = written[0]
        return keys

    def _add_store(self, code: str) -> int:
        with psycopg.connect(self.url) as connection:
            query = "INSERT INTO stores (store_code, name) VALUES (%s, %s) RETURNING store_id"
            return int(connection.execute(query, [code, f"A store {code}"]).fetchone()[0])

    def _example(self, schema: dict[str, Any], name: str, world: str) -> Any:
        if "$ref" in schema:
            return self._example(
                self.described["components"]["schemas"][schema["$ref"].rpartition("/")[2]], name, world
            )
        if name in REFERENCES:
            return self.key(world, REFERENCES[name])
        if "enum" in schema or "const" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        if "anyOf" in schema:
            return self._example(schema["anyOf"][0], name, world)
        if schema.get("type") == "object" or "properties" in schema:
            wanted = set(schema.get("required", ())) | (set(schema.get("properties", ())) & MORE)
            return {
                each: self._example(inner, each, world)
                for each, inner in schema.get("properties", {}).items()
                if each in wanted
            }
        if schema.get("type") == "array":
            return [self._example(schema["items"], f"{name}.", world)]
        if schema.get("type") in {"integer", "number"}:
            return max(schema.get("minimum", 1), 1)
        if schema.get("type") == "boolean":
            return True
        return WORDS.get(name) or _word(schema)


# members without which a body says too little for a service
MORE = {"eye_test_queue_id", "right", "sph", "doctor_name", "quantity"}
WORDS = {"mobile": "+919812345671", "source": "from_doctor", "reason": "because it is so", "category": "frames"}


def _word(schema: dict[str, Any]) -> str:
    is_day = schema.get("format") == "date"
    return dt.date.today().isoformat() if is_day else "a1" * max(4, schema.get("minLength", 0) // 2 + 1)


@pytest.fixture(scope="module")
def databases(shared_url: str, server: Databases) -> Iterator[Databases]:
    """The module's operational database, with a lake of its own beside it."""
    name = f"lake_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(shared_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        parts = urlsplit(server.lake)
        yield Databases(shared_url, urlunsplit(parts._replace(path=f"/{name}")), server.dagster)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def world(databases: Databases, make_user: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world of a test module, with a home of its own for keys; what it publishes is an empty table each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMS_HOME", str(tmp_path_factory.mktemp("world")))
        patch.setenv("IMS_DATABASE_URL", databases.operational)
        get_settings.cache_clear()
        snapshot = fill_lake(databases)
        app = create_web("api", databases)
        with TestClient(app, base_url="http://ims.test") as client:
            world = World(databases.operational, app, client, make_user)
            with psycopg.connect(databases.operational) as connection:
                connection.execute("UPDATE publications SET snapshot_id = %s", (snapshot,))
            yield world
    get_settings.cache_clear()


def fill_lake(databases: Databases) -> int:
    """Every table there is, without a row; the snapshot that holds them."""
    con = connect(databases, get_settings())
    con.execute("BEGIN")
    for each in contracts():
        create_table(con, each.name)
    con.execute("COMMIT")
    snapshot = current_snapshot(con)
    con.close()
    return snapshot


class Served:
    """`ims serve --role api` on the world's database."""

    def __init__(self, log: Path, databases: Databases) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address, self.log = f"http://127.0.0.1:{port}", log
        variables = {"IMS_LAKE_DATABASE_URL": databases.lake, "IMS_DAGSTER_DATABASE_URL": databases.dagster}
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).parent / "ims"), "serve", "--role", "api", "--port", str(port)],
                env={**os.environ, **variables},
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )

    def wait(self) -> None:
        for _ in range(600):
            assert self.process.poll() is None, self.log.read_text()
            try:
                if httpx.get(f"{self.address}/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("it did not answer within a minute")

    def send(self, *parts: bytes, source: str = "127.0.0.1") -> tuple[int, bytes]:
        """Bytes as they are, on a connection of their own; the answer's status (0 when none came) and all of it."""
        port = int(self.address.rpartition(":")[2])
        found = b""
        with socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0)) as opened:
            try:
                for part in parts:
                    opened.sendall(part)
                while chunk := opened.recv(65536):
                    found += chunk
            except (ConnectionResetError, BrokenPipeError):
                pass  # refused before all was said
        return int(found[9:12]) if found.startswith(b"HTTP/1.1 ") else 0, found


@pytest.fixture(scope="module")
def served(world: Any, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server, ended when the module is."""
    served = Served(tmp_path_factory.mktemp("served") / "log", databases)
    try:
        served.wait()
        yield served
    finally:
        served.process.terminate()
        served.process.wait(timeout=60)
