"""A load on the API of a published chain: the mix of `ims bench api`, but for what uses stock up."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import psycopg
from world import Chain
from writing import sign_in

from ims.bench.mix import KINDS, pools
from ims.bench.people import add_people
from ims.bench.plan import Outcome, Plan
from ims.bench.process import run_load
from ims.bench.world import World

# what is confirmed and paid takes stock, which a demo chain has little of
LEFT_OUT = frozenset({"confirm an order", "take a payment"})
ALL = frozenset(kind.name for kind in KINDS) - LEFT_OUT


@dataclass
class People:
    """Who asks, and what they draw from."""

    passwords: dict[str, str]
    tokens: dict[str, str]
    pools: dict[str, list[object]]


def employ(chain: Chain, address: str) -> People:
    """Four people of different roles on this chain, signed in there."""
    url = chain.cluster.url()
    passwords, stores = add_people(url)
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT min(product_id), max(product_id) FROM products").fetchone()
    assert row is not None
    tokens = {name: sign_in(address, name, password) for name, password in passwords.items()}
    return People(passwords, tokens, pools(url, World({"product": (row[0], row[1])}), stores))


@dataclass
class Load:
    """An open loop of `rate` requests a second from entering the block for `seconds`; `outcome` once it is left.

    Without a rate each connection asks again as soon as it is answered.
    """

    people: People
    port: int
    rate: float | None
    seconds: float
    connections: int = 64
    asks: frozenset[str] = frozenset()  # kinds of the mix by name; without any, all of them
    outcome: Outcome = field(default_factory=Outcome)

    def __enter__(self) -> Load:
        kinds = [kind for kind in KINDS if kind.name in (self.asks or ALL)]
        plan = Plan(
            "127.0.0.1",
            self.port,
            kinds,
            self.people.pools,
            self.people.tokens,
            self.connections,
            self.seconds,
            rate=self.rate,
        )
        self._thread = threading.Thread(target=self._put, args=(plan,), daemon=True)
        self._ends = time.monotonic() + self.seconds
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(self.seconds + 120)

    @property
    def is_over(self) -> bool:
        """Whether its seconds are over; what was due may still be under way."""
        return time.monotonic() > self._ends

    def _put(self, plan: Plan) -> None:
        self.outcome = run_load(plan)


def told(outcome: Outcome) -> str:
    """A sentence: how many, how fast, what failed."""
    every = outcome.all
    failed = ", ".join(f"{word} × {count}" for word, count in outcome.failures.items()) or "none failed"
    rate = outcome.requests / (outcome.seconds or 1)
    return f"{outcome.requests:,} requests at {rate:,.0f} a second, p95 {every.quantile(0.95) * 1000:.0f} ms, {failed}"
