"""Sixteen writers on the same fifty products: nothing lost, nothing below zero, nobody waits in a circle.

Each writer is a connection of its own that sells, ships, receives, counts, reserves and takes back, several products
at once and in no order; what was acknowledged is then compared with the ledger.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from api.identity.principal import Origin, Reach, SignedIn
from api.refusals import Conflict
from api.services import ledger
from api.services.action import Action
from api.services.invariants import check_invariants
from api.services.ledger import Move, Reservation

WRITERS, SECONDS, PRODUCTS, UNITS = 16, 5.0, 50, 8
TODAY = dt.date(2024, 5, 15)
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


class Writer:
    """One client: acts in transactions of its own and keeps what it was told. `posted` is everybody's."""

    def __init__(self, url: str, seed: int, posted: list[list[tuple[int, Move]]]) -> None:
        self.url, self.draw, self.posted = url, random.Random(seed), posted
        self.told: Counter[tuple[int, int, int | None]] = Counter()  # change by location, product and unit
        self.outcomes: Counter[str] = Counter()
        self.mine: list[tuple[list[int], list[Reservation]]] = []

    def run(self, until: float) -> Writer:
        asyncio.run(self._run(until))
        return self

    async def _run(self, until: float) -> None:
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            await connection.execute("SET ROLE ims_app; SET ims.store_ids = '*'")
            found = await (await connection.execute(
                "SELECT kind, coalesce(store_id, 0), location_id FROM stock_locations"
            )).fetchall()  # fmt: skip
            self.places = {(kind, store): key for kind, store, key in found}
            self.stores = sorted({store for _, store in self.places} - {0})
            ids = await (await connection.execute("SELECT product_id FROM products ORDER BY 1")).fetchall()
            self.products = [row[0] for row in ids[:PRODUCTS]]
            units = await (await connection.execute("SELECT stock_unit_id, product_id FROM stock_units")).fetchall()
            self.units = units
            (user_id,) = await (await connection.execute("SELECT user_id FROM users")).fetchone()
            user = SignedIn(user_id, "u", frozenset({"admin"}), 1, dt.datetime.max)
            works = (self.sell, self.ship, self.receive, self.count, self.reserve, self.use, self.take_back, self.unit)
            while time.monotonic() < until:
                work = self.draw.choice(works)
                try:
                    async with connection.transaction():
                        keep = await work(Action(connection, user, Origin("t"), "stock:read", Reach(None)))
                    if keep is not None:
                        keep()
                    self.outcomes["done"] += 1
                except Conflict as refusal:
                    self.outcomes[refusal.code] += 1

    def some(self) -> list[int]:
        return self.draw.sample(self.products, self.draw.randint(1, 6))

    def keep(self, moves, ids=()):
        def apply():
            if ids:
                self.posted.append(list(zip(ids, moves, strict=True)))
            for move in moves:
                self.told[move.destination, move.product_id, move.stock_unit_id] += move.quantity
                self.told[move.source, move.product_id, move.stock_unit_id] -= move.quantity

        return apply

    async def post(self, action, moves, using=()):
        return self.keep(moves, await ledger.post_moves(action, moves, TODAY, using))

    async def sell(self, action):
        shelf, customer = self.places["store", self.draw.choice(self.stores)], self.places["customer", 0]
        return await self.post(action, [Move(each, 1, shelf, customer, "sale") for each in self.some()])

    async def ship(self, action):
        here, there = self.draw.sample(self.stores, 2)
        shelf, other = self.places["store", here], self.places["store", there]
        return await self.post(action, [Move(each, 2, shelf, other, "transfer") for each in self.some()])

    async def receive(self, action):
        shelf, vendor = self.places["store", self.draw.choice(self.stores)], self.places["vendor", 0]
        return await self.post(action, [Move(each, 3, vendor, shelf, "receipt") for each in self.some()])

    async def count(self, action):
        shelf, loss = self.places["store", self.draw.choice(self.stores)], self.places["loss", 0]
        moves = [
            Move(each, 1, *((shelf, loss) if self.draw.random() < 0.5 else (loss, shelf)), "count")
            for each in self.some()
        ]
        return await self.post(action, moves)

    async def reserve(self, action):
        shelf = self.places["store", self.draw.choice(self.stores)]
        wanted = [Reservation(shelf, each, 1, "sales_order_line", 1) for each in self.some()]
        ids = await ledger.reserve(action, wanted)
        return lambda: self.mine.append((ids, wanted))

    async def use(self, action):
        if not self.mine:
            return None
        ids, wanted = self.mine.pop()
        if self.draw.random() < 0.3:
            await ledger.release(action, ids)
            return None
        customer = self.places["customer", 0]
        moves = [Move(each.product_id, 1, each.location_id, customer, "sale") for each in wanted]
        # a line was added when the order was delivered
        extra = [Move(self.draw.choice(self.products), 1, wanted[0].location_id, customer, "sale")]
        return await self.post(action, moves + extra, using=ids)

    async def take_back(self, action):
        if not self.posted:
            return None
        posted = self.draw.choice(self.posted[-20:])
        await ledger.reverse_moves(action, [move_id for move_id, _ in posted], "t", TODAY)
        backwards = [
            Move(m.product_id, m.quantity, m.destination, m.source, "reversal", stock_unit_id=m.stock_unit_id)
            for _, m in posted
        ]
        return self.keep(backwards)

    async def unit(self, action):
        moves = []
        for unit_id, product_id in self.draw.sample(self.units, 2):
            source, destination = self.draw.sample([*((("store", s)) for s in self.stores), ("vendor", 0)], 2)
            ends = (self.places[source], self.places[destination])
            moves.append(Move(product_id, 1, *ends, "transfer", stock_unit_id=unit_id))
        return await self.post(action, moves)


@pytest.fixture
def url(empty_url):
    with psycopg.connect(empty_url) as connection:
        connection.execute("INSERT INTO stores (store_code, name) VALUES ('S', 's'), ('T', 't'), ('U', 'u')")
        connection.execute(
            "INSERT INTO products (sku, name, category) SELECT 'P' || n, 'p', 'c' FROM generate_series(1, %s) AS n",
            [PRODUCTS + 1],
        )
        connection.execute(
            "INSERT INTO stock_units (product_id, serial)"
            " SELECT max(product_id), 's' || n FROM products, generate_series(1, %s) AS n GROUP BY n",
            [UNITS],
        )
        connection.execute("INSERT INTO users (username, password_hash) VALUES ('u', 'x')")
    return empty_url


@pytest.mark.timeout(120)
def test_sixteen_writers_leave_a_ledger_that_adds_up(url):
    posted: list[list[tuple[int, Move]]] = []
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = list(pool.map(lambda seed: Writer(url, seed, posted).run(until), range(WRITERS)))
    outcomes: Counter[str] = Counter()
    told: Counter[tuple[int, int, int | None]] = Counter()
    for writer in writers:
        outcomes.update(writer.outcomes)
        told.update(writer.told)
    # it was a fight: all kinds of refusals, and hundreds of successes beside them
    assert outcomes["done"] > 200
    assert {"stock-below-zero", "stock-reserved", "unit-elsewhere", "move-reversed-already"} <= outcomes.keys()
    with psycopg.connect(url) as connection:
        assert not any(check_invariants(connection).values())
        found = connection.execute(
            "SELECT location_id, product_id, stock_unit_id, on_hand FROM stock_balances WHERE on_hand <> 0"
        ).fetchall()
        inside = {row[0] for row in connection.execute("SELECT location_id FROM stock_locations WHERE is_internal")}
        assert connection.execute(DEADLOCKS).fetchone() == (0,)
    # every acknowledged move is in the ledger once, and no other
    assert {row[:3]: row[3] for row in found} == {key: n for key, n in told.items() if n and key[0] in inside}
