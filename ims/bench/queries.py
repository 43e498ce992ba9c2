"""`ims bench queries`: the services' own statements, timed among a million orders as the application's role.

Each question is asked of the application in this process with many values; the statements it ran are then timed one by
one on a connection that acts as the application does, with the same reach.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import psycopg

from ims.bench.installation import serving, temporary_installation
from ims.bench.mix import ADMIN, MANAGER, STAFF, in_json, pools
from ims.bench.people import add_people
from ims.bench.plan import Journey
from ims.bench.questions import LIMITS_MS, QUESTIONS, SUMS
from ims.bench.recording import Recorded, Statement, record
from ims.bench.world import MILLION, Progress, World, build
from ims.machine import circumstances

REACH = "SELECT set_config('ims.store_ids', %s, true), set_config('ims.user_id', '1', true)"
OPTIONS = "-c role=ims_app -c timezone=UTC -c statement_timeout=15s"
MOVES = """
    SELECT m.stock_move_id FROM stock_moves m JOIN stock_locations l ON l.location_id = m.source_location_id
     WHERE l.store_id = ANY(%s) LIMIT 5000
"""
NUMBERS = "SELECT order_number FROM sales_orders WHERE store_id = ANY(%s) LIMIT 5000"


def bench_queries(orders: int, times: int, progress: Progress) -> dict[str, Any]:
    """Generate, ask, time; what `report` prints, as data."""
    share = min(orders / MILLION.orders, 1)
    size = replace(
        MILLION,
        orders=orders,
        customers=max(round(MILLION.customers * share), 500),
        products=max(round(MILLION.products * share), 500),
    )
    began = time.monotonic()
    with temporary_installation() as installation:
        url = installation.databases.operational
        about = circumstances(url)
        world = build(url, size, progress)
        made = time.monotonic() - began
        passwords, stores = add_people(url)
        drawn = _pools(url, world, stores)
        with serving(installation) as server:
            tokens = server.tokens(passwords)
        asking = [(each, user) for each in QUESTIONS for user in each.kind.users]
        wanted = [Journey([replace(each.kind, users=(user,))]) for each, user in asking]
        progress("queries: recording", 0, None)
        recorded = asyncio.run(record(installation.databases, tokens, wanted, drawn, times))
        rows = []
        for (question, user), journey in zip(asking, wanted, strict=True):
            progress(f"queries: {question.kind.name}", 0, None)
            asked = [_statements(step) for made, steps in recorded if made is journey for step in steps]
            reach = _reach(stores, user)
            rows.append(_timed(url, question.kind.name, user, question.sort, asked, reach))
        for name, text in SUMS.items():
            asked_sums = list(_sums(text, drawn, times))
            for user in (ADMIN, MANAGER):
                rows.append(_timed(url, name, user, "sum", asked_sums, _reach(stores, user)))
        return {"orders": orders, "seconds": round(made, 1), "times": times, "queries": rows, **about, **_counts(url)}


def _timed(
    url: str, name: str, user: str, sort: str, asked: Sequence[Sequence[Statement]], reach: str
) -> dict[str, Any]:
    """A row of the report: the time of all statements of one asking together."""
    took: list[tuple[float, Sequence[Statement]]] = []
    found = 0
    with psycopg.connect(url, options=OPTIONS) as connection:
        for statements in asked:
            connection.execute(REACH, (reach,))
            began = time.perf_counter()
            for statement in statements:
                cursor = connection.execute(statement.text.encode(), statement.values)
                found += len(cursor.fetchall()) if cursor.description else 0
            took.append((time.perf_counter() - began, statements))
            # as a read of the application ends: at a rollback psycopg would forget the statements that it has prepared
            connection.commit()
        took.sort(key=lambda each: each[0])
        p50, p95, p99 = (took[min(int(len(took) * share), len(took) - 1)] for share in (0.5, 0.95, 0.99))
        passes = p95[0] * 1000 <= LIMITS_MS[sort]
        row: dict[str, Any] = {"name": name, "user": user.removeprefix("bench-"), "sort": sort, "passes": passes}
        row |= {"rows": found / len(asked), "limit_ms": LIMITS_MS[sort]}
        row |= {f"p{n}_ms": round(each[0] * 1000, 2) for n, each in ((50, p50), (95, p95), (99, p99))}
        if not passes:
            row |= _explained(connection, p95[1], reach)
        return row


def _explained(connection: psycopg.Connection[Any], statements: Sequence[Statement], reach: str) -> dict[str, Any]:
    """The plan of the statement that took longest."""
    slowest, longest, plan = "", -1.0, []
    for statement in statements:
        connection.execute(REACH, (reach,))
        began = time.perf_counter()
        lines = connection.execute(
            b"EXPLAIN (ANALYZE, BUFFERS) " + statement.text.encode(), statement.values
        ).fetchall()
        if time.perf_counter() - began > longest:
            longest, slowest, plan = time.perf_counter() - began, statement.text, [line[0] for line in lines]
    connection.rollback()
    return {"statement": slowest.strip(), "plan": plan}


def _statements(recorded: Recorded) -> list[Statement]:
    return [each for each in recorded.statements if "set_config" not in each.text]


def _sums(text: str, drawn: Mapping[str, Sequence[Any]], times: int) -> Iterator[list[Statement]]:
    chance = random.Random(2)  # nosec B311
    today = dt.datetime.now(dt.UTC).date()
    for _ in range(times):
        values = {name: chance.choice(drawn[name]) for name in ("shop", "product")}
        values["from_on"] = today - dt.timedelta(days=chance.randrange(92, 1_000))
        yield [Statement(text, values)]


def _pools(url: str, world: World, stores: dict[str, list[int]]) -> dict[str, list[Any]]:
    drawn = pools(url, world, stores)
    chance, today = random.Random(3), dt.datetime.now(dt.UTC).date()  # nosec B311
    weeks = []
    for _ in range(200):
        first = today - dt.timedelta(days=chance.randrange(7, 1_000))
        weeks.append(f"from_on={first}&to_on={first + dt.timedelta(days=6)}")
    with psycopg.connect(url) as connection:
        moves = connection.execute(MOVES, (stores[STAFF],)).fetchall()
        numbers = connection.execute(NUMBERS, (stores[STAFF],)).fetchall()
        people = connection.execute("SELECT full_name, mobile FROM customers LIMIT 1000").fetchall()
        goods = connection.execute("SELECT name, sku FROM products LIMIT 1000").fetchall()
    return drawn | {
        "week": weeks,
        "shop_move": [row[0] for row in moves],
        "order_number": [row[0] for row in numbers],
        "customer_part": [in_json(_part(row, chance)) for row in people],
        "product_part": [quote(_part(row, chance)) for row in goods],
    }


def _part(row: tuple[str, ...], chance: random.Random) -> str:
    """Some letters or digits from within a word: what somebody remembers."""
    text = chance.choice(row).split(" ")[0]
    start = chance.randrange(max(len(text) - 4, 1))
    return text[start : start + 4]


def _reach(stores: Mapping[str, Sequence[int]], user: str) -> str:
    return "{" + ",".join(map(str, stores[user])) + "}" if user in (MANAGER, STAFF) else "*"


def _counts(url: str) -> dict[str, Any]:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM sales_order_lines), pg_size_pretty(pg_database_size(current_database()))"
        ).fetchone()
        assert row is not None
        return {"lines": row[0], "size": row[1]}
