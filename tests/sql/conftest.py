"""A chain written straight into the tables of schema raw, on an engine of its own, and built from there.

For tests of the SQL alone: what the extract and the real lake add is tested in tests/pipelines and test_lake*.
And a chain in PostgreSQL, of generated rows, that tells by which indexes the services read it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import tomllib
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import duckdb
import psycopg
import pytest
from psycopg.rows import tuple_row

from api.identity.principal import Origin, Reach, SignedIn
from api.services.action import Action
from ims.postgres import Databases
from warehouse.contracts import contract, contracts, create_table
from warehouse.lake import SCHEMAS
from warehouse.transformations import tables

# what PostgreSQL fills in where nothing is said; a required column that no test speaks of gets the value of its type
OF_TYPE = {"VARCHAR": "x", "BOOLEAN": False, "DATE": "2024-01-01", "TIMESTAMP WITH TIME ZONE": "2024-01-01 00:00:00+00"}
FILLED_IN: dict[str, dict[str, Any]] = {
    "products": {"discount_class": "MASS", "lifecycle": "CORE", "is_active": True},
    "sales_orders": {"status": "delivered", "ordered_on": "2024-01-01", "channel": "store", "kind": "quick"},
    "payments": {"kind": "payment"},
    "customers": {"kind": "b2c"},
    "categories": {"kind": "other"},
    "prescriptions": {"version": 1},
    "eye_test_queue": {"reason": "routine", "state": "waiting"},
    "walkouts": {"result": "open"},
    "purchase_orders": {"status": "sent"},
    "purchase_order_lines": {"rejected_qty": 0, "cancelled_qty": 0},
    "vendors": {"kind": "domestic", "credit_days": 30, "is_active": True},
    "suggestions": {
        "publication_id": 1, "on_hand": 0, "on_order": 0, "covers_until": "2024-06-01", "expected_demand": 1.0,
        "reason": "BELOW_TARGET",
    },
}  # fmt: skip


class RawChain:
    """Adds rows by business key; `build` runs every transformation; `rows` reads what came out."""

    def __init__(self) -> None:
        self.con = duckdb.connect()
        self.con.execute("SET TimeZone = 'UTC'; ATTACH ':memory:' AS lake; USE lake")
        for schema in SCHEMAS:
            self.con.execute(f"CREATE SCHEMA lake.{schema}")
        for each in (*contracts("raw"), *contracts("checks")):
            create_table(self.con, each.name)
        self.ids: dict[tuple[str, Any], int] = {}
        self.locations: dict[str, int] = {}
        for kind in ("vendor", "customer", "loss", "opening"):
            self.locations[kind] = self.add("stock_locations", kind=kind)

    def clear(self) -> None:
        """Take every row away but the locations outside the stores."""
        for each in contracts("raw"):
            limit = " WHERE store_id IS NOT NULL" if each.table == "stock_locations" else ""
            self.con.execute(f"DELETE FROM lake.{each.name}{limit}")
        self.ids = {key: value for key, value in self.ids.items() if key[0] == "next"}

    def add(self, table: str, **given: Any) -> int:
        """One row of raw.<table>; keys and change tracking are filled in."""
        agreed = contract(f"raw.{table}")
        count = self.ids[("next", table)] = self.ids.get(("next", table), 0) + 1
        defaults = {agreed.keys[0]: count, "updated_at": dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "changed_xid": 1}
        row = {**defaults, **FILLED_IN.get(table, {}), **given}
        values = [row.get(c.name, None if c.nullable else OF_TYPE.get(c.type, 0)) for c in agreed.columns]
        self.con.execute(f"INSERT INTO lake.raw.{table} VALUES ({', '.join('?' * len(values))})", values)
        return int(row[agreed.keys[0]])

    def fill(self, name: str) -> None:
        """The rows of `<name>.toml` beside this file, with their keys as they stand there."""
        rows = tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))
        for table, row in ((table, row) for table, listed in rows.items() for row in listed):
            self.add(table, **row)

    def chain(self, as_of: str, grain: str = "day", unmet_demand: str = "lost") -> RawChain:
        self.add(
            "chain", chain_id=1, name="c", currency="EUR", timezone="UTC", as_of=as_of, sales_grain=grain,
            unmet_demand=unmet_demand,
        )  # fmt: skip
        return self

    def store(self, code: str = "A", **given: Any) -> None:
        values = {"name": code, "kind": "store", **given}
        store_id = self.ids[("store", code)] = self.add("stores", store_code=code, **values)
        self.locations[code] = self.add("stock_locations", kind="store", store_id=store_id)

    def product(self, sku: str = "p", **given: Any) -> None:
        values = {"name": sku, "category": "c", **given}
        self.ids[("product", sku)] = self.add("products", sku=sku, **values)

    def vendor(self, code: str = "V") -> None:
        self.ids[("vendor", code)] = self.add("vendors", vendor_code=code, name=code)

    def key(self, kind: str, code: str | None) -> int | None:
        return None if code is None else self.ids[(kind, code)]

    def pair(self, store: str | None, sku: str | None) -> dict[str, int | None]:
        return {"store_id": self.key("store", store), "product_id": self.key("product", sku)}

    def sale(self, day: str, quantity: int = 1, returned: int = 0, net: Any = None, pair: str = "A/p") -> None:
        self.add(
            "daily_sales", **self.pair(*pair.split("/")), sold_on=day, sold_qty=quantity, returned_qty=returned,
            net_amount=net,
        )  # fmt: skip

    def order_line(
        self, day: str, quantity: int = 1, net: Any = None, pair: str = "A/p", status: str = "delivered"
    ) -> None:
        keys = self.pair(*pair.split("/"))
        order = self.add("sales_orders", order_ref=f"o{len(self.ids)}/{day}", store_id=keys["store_id"], status=status)
        self.add(
            "sales_order_lines", sales_order_id=order, line_ref="1", product_id=keys["product_id"], sold_on=day,
            quantity=quantity, net_amount=net,
        )  # fmt: skip

    def move(self, day: str, quantity: int, pair: str = "A/p", kind: str = "count") -> None:
        store, sku = pair.split("/")
        ends = ("loss", store) if quantity > 0 else (store, "loss")
        self.add(
            "stock_moves", product_id=self.key("product", sku), quantity=abs(quantity), moved_on=day, kind=kind,
            source_location_id=self.locations[ends[0]], destination_location_id=self.locations[ends[1]],
        )  # fmt: skip

    def stock(self, as_of: str, on_hand: int, pair: str = "A/p") -> None:
        """A first statement: the ledger opens with it on the day before."""
        self.add("stock_statements", **self.pair(*pair.split("/")), as_of=as_of, on_hand=on_hand)
        if on_hand:
            self.move(str(dt.date.fromisoformat(as_of) - dt.timedelta(days=1)), on_hand, pair, "opening")

    def available(self, from_on: str, to_on: str | None, is_in_stock: bool, pair: str = "A/p") -> None:
        self.add("availability", **self.pair(*pair.split("/")), from_on=from_on, to_on=to_on, is_in_stock=is_in_stock)

    def ordered(self, expected_on: str, quantity: int, pair: str = "A/p", suggestion_id: int | None = None) -> None:
        order = self.add("purchase_orders", order_ref=f"PO{self.ids.get(('next', 'purchase_orders'), 0)}")
        self.add(
            "purchase_order_lines", purchase_order_id=order, **self.pair(*pair.split("/")), state="open",
            open_qty=quantity, received_qty=0, expected_on=expected_on, suggestion_id=suggestion_id,
        )  # fmt: skip

    def suggested(self, arrives_on: str, quantity: int, state: str = "approved", pair: str = "A/p") -> int:
        return self.add(
            "suggestions", **self.pair(*pair.split("/")), as_of="2024-05-01", state=state, kind="purchase",
            suggested_qty=quantity, order_by="2024-05-01", arrives_on=arrives_on,
        )  # fmt: skip

    def supply(self, sku: str = "p", vendor: str = "V", store: str | None = None, **given: Any) -> None:
        values = {"lead_time_days": 7, "review_period_days": 7, "moq": 1, "pack_size": 1, **given}
        self.add("supply_terms", **self.pair(store, sku), vendor_id=self.key("vendor", vendor), **values)

    def cost(self, sku: str | None = None, store: str | None = None, **given: Any) -> None:
        self.add("cost_terms", **self.pair(store, sku), **given)

    def carries(
        self, from_on: str | None = None, to_on: str | None = None, pair: str = "A/p", display_min: int | None = None
    ) -> None:
        keys = self.pair(*pair.split("/"))
        self.add("assortment", **keys, from_on=from_on, to_on=to_on, display_min=display_min)

    def build(self, as_of: str, *marts: str) -> RawChain:
        """Every table, or only these marts and what they are built from."""
        self.con.execute(f"SET VARIABLE as_of = DATE '{as_of}'")
        needed = {f"marts.{name}" for name in marts}
        for each in reversed(tables()):
            needed |= set(each.upstream) if each.full_name in needed else set()
        for each in tables():
            if not marts or each.full_name in needed:
                self.con.execute(f"CREATE OR REPLACE TABLE lake.{each.full_name} AS {each.sql}")
        return self

    def rows(self, table: str, columns: str = "*", where: str = "TRUE") -> list[tuple[Any, ...]]:
        return self.con.execute(f"SELECT {columns} FROM lake.marts.{table} WHERE {where} ORDER BY ALL").fetchall()

    def weeks(self, columns: str = "week_starting_on::VARCHAR, demand_qty, round(7 * in_stock_share)") -> list[Any]:
        """The weekly series of pair A/p; days in stock instead of a share, which is easier to read."""
        return self.rows("fct_demand_weekly", columns, "store_code = 'A' AND sku = 'p'")


@pytest.fixture
def raw() -> Iterator[RawChain]:
    """An empty chain."""
    opened = RawChain()
    yield opened
    opened.con.close()


@pytest.fixture
def shop(raw: RawChain) -> RawChain:
    """A chain as of Wednesday 15 May 2024 with one store A, one product p and one vendor V."""
    raw.chain("2024-05-15").store()
    raw.product()
    raw.vendor()
    return raw


GENERATED = Path(__file__).with_name("index_rows.toml")
EXPLAINED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE TEMP TABLE \w+ ON COMMIT DROP AS)\b")
STORES = frozenset({1, 2})
REACHES = {
    "all": ("superadmin", Reach(None)),
    "stores": ("manager", Reach(STORES)),
    "records": ("staff", Reach(STORES, own_records=True)),
}
# a partition's index by the name of the whole one
SCANNED = """
    SELECT coalesce(pg_partition_root(c.oid), c.oid)::regclass::text FROM pg_class AS c
     WHERE c.relkind = 'i' AND (c.relname = ANY (%(planned)s) OR %(planned)s IS NULL
           AND pg_stat_get_xact_numscans(c.oid) > 0)
"""


class Plans:
    """Runs services over the rows of index_rows.toml, in a transaction that is undone, and looks at their plans."""

    def __init__(self, url: str) -> None:
        self.url = url
        rows = tomllib.loads(GENERATED.read_text(encoding="utf-8"))
        with psycopg.connect(url) as connection:
            connection.execute("DELETE FROM expense_categories")
            for table, columns in rows.items():
                count = columns.pop("count")
                if table != "stores":
                    connection.execute("SET session_replication_role = replica; SET ims.ledger = 'open'")
                connection.execute(
                    f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())}"
                    f" FROM generate_series(1, {count}) AS i"
                )
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")

    def look(
        self, work: Callable[[Action], Awaitable[Any]], of: str = "stores", *, is_owner: bool = False
    ) -> tuple[set[str], set[str]]:
        """The indexes in the plans of a service's statements; and all that were scanned, by whatever it set off."""
        return asyncio.run(self._look(work, of, is_owner))

    async def _look(
        self, work: Callable[[Action], Awaitable[Any]], of: str, is_owner: bool
    ) -> tuple[set[str], set[str]]:
        planned: set[str] = set()

        class Explaining(psycopg.AsyncCursor[Any]):
            """Also asks for the plan of what it executes."""

            async def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
                text = query.decode() if isinstance(query, bytes) else query
                if isinstance(text, str) and EXPLAINED.match(text):
                    plain = psycopg.AsyncCursor(self.connection, row_factory=tuple_row)
                    await plain.execute(f"EXPLAIN (FORMAT JSON) {text}".encode(), params)
                    planned.update(re.findall(r'"Index Name": "([^"]+)"', json.dumps(await plain.fetchall())))
                return await super().execute(query, params, **how)

        role, reach = REACHES[of]
        user = SignedIn(
            7, "u7", frozenset({role}), 1, dt.datetime.max, store_ids=STORES, store_codes=frozenset({"S1", "S2"})
        )
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            await connection.execute("SET LOCAL enable_seqscan = off")
            if not is_owner:
                await connection.execute("SET LOCAL ROLE ims_app")
                stores = "*" if reach.store_ids is None else "{1,2}"
                await connection.execute("SELECT set_config('ims.store_ids', %s, true)", [stores])
            connection.cursor_factory = Explaining
            await work(Action(connection, user, Origin("t"), "customer:read", reach))
            connection.cursor_factory = psycopg.AsyncCursor
            cursor = await connection.execute(SCANNED, {"planned": None})
            scanned = {name for (name,) in await cursor.fetchall()}
            cursor = await connection.execute(SCANNED, {"planned": list(planned)})
            planned = {name for (name,) in await cursor.fetchall()}
            await connection.rollback()
        return planned, scanned


@pytest.fixture(scope="session")
def plans(server: Databases) -> Iterator[Plans]:
    """The chain of generated rows."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    parts = urlsplit(server.operational)
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE ims")
        yield Plans(urlunsplit(parts._replace(path=f"/{name}")))
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
