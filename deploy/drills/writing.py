"""Somebody who works while a drill goes on: orders drafted one after the other, each acknowledged one remembered.

As a till does: what gets no answer is sent again with the same Idempotency-Key until it is answered.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from types import TracebackType

import httpx
import psycopg

ANSWERED = frozenset({200, 201})
PEOPLE = """
SELECT c.customer_id, c.home_store_id, (SELECT min(product_id) FROM products)
  FROM customers AS c WHERE c.home_store_id = (SELECT min(store_id) FROM stores) ORDER BY 1 LIMIT 1
"""


@dataclass(frozen=True)
class Acknowledged:
    """An order that somebody was told is kept; moments are of time.time()."""

    order_id: int
    asked_at: float
    told_at: float


@dataclass
class Till:
    """Drafts an order every `pause` seconds, from entering the block to leaving it."""

    address: str
    token: str
    url: str  # of the database, to find a customer in
    pause: float = 0.1
    kept: list[Acknowledged] = field(default_factory=list)
    refused: list[tuple[float, str]] = field(default_factory=list)  # when, and what was seen instead of an answer

    def __enter__(self) -> Till:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(PEOPLE).fetchone()
        assert row is not None
        customer, store, product = row
        self._body = {"store_id": store, "customer_id": customer, "lines": [{"product_id": product, "quantity": 1}]}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """No order after this one."""
        self._is_over.set()
        self._thread.join(30)

    def lost(self) -> list[int]:
        """Orders that were acknowledged and are not in the database."""
        told = [each.order_id for each in self.kept]
        with psycopg.connect(self.url) as connection:
            rows = connection.execute("SELECT sales_order_id FROM sales_orders WHERE sales_order_id = ANY(%s)", [told])
            return sorted(set(told) - {int(row[0]) for row in rows})

    def longest_wait(self, since: float, until: float | None = None) -> float:
        """The longest time in which nothing was acknowledged, seconds."""
        end = until or time.time()
        moments = [since, *(each.told_at for each in self.kept if since < each.told_at < end), end]
        return max(later - earlier for earlier, later in pairwise(moments))

    def seen(self, since: float) -> str:
        """What was seen instead of answers since then: `503 × 4, ConnectError × 2`; nothing, where all was answered."""
        words = [word for moment, word in self.refused if moment >= since]
        return ", ".join(f"{word} × {words.count(word)}" for word in dict.fromkeys(words)) or "nothing"

    def _work(self) -> None:
        headers = {"authorization": f"Bearer {self.token}", "user-agent": "ims drill"}
        number = 0
        with httpx.Client(base_url=self.address, headers=headers, timeout=10, verify=False) as client:
            while not self._is_over.is_set():
                number += 1
                key, asked = f"drill-{id(self)}-{number}", time.time()
                while not self._is_over.is_set():
                    try:
                        answer = client.post("/api/v1/orders", json=self._body, headers={"idempotency-key": key})
                    except httpx.HTTPError as error:
                        self.refused.append((time.time(), type(error).__name__))
                    else:
                        if answer.status_code in ANSWERED:
                            self.kept.append(Acknowledged(answer.json()["sales_order_id"], asked, time.time()))
                            break
                        self.refused.append((time.time(), str(answer.status_code)))
                    time.sleep(self.pause)
                time.sleep(self.pause)


def sign_in(address: str, username: str, password: str) -> str:
    """An access token, got as every program gets one."""
    answer = httpx.post(f"{address}/api/v1/tokens", json={"username": username, "password": password}, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["access_token"])
