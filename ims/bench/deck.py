"""Which request comes next: kinds shuffled by weight, their values drawn from pools that answers refill."""

from __future__ import annotations

import random
import re
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ims.bench.plan import FIELD, Kind, Plan

MOST_KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Request:
    """The bytes to send, and what the answer must be."""

    kind: Kind
    content: bytes
    gives: tuple[tuple[re.Pattern[bytes], str], ...]


class Deck:
    """Gives one request after the other, in the shares that the plan's weights say."""

    def __init__(self, plan: Plan) -> None:
        self._random = random.Random(plan.seed)  # nosec B311
        self._pools: dict[str, list[Any]] = plan.pools
        self._stock: dict[str, deque[Any]] = {
            kind.takes: deque(plan.pools.get(kind.takes, [])) for kind in plan.kinds if kind.takes
        }
        self._cards = [kind for kind in plan.kinds for _ in range(kind.weight)]
        self._left: list[Kind] = []
        # letters between the digits: one in ten long enough runs of digits would be taken for a card's number
        self._prefix = f"{uuid.uuid4().hex[:10]}k{plan.seed}n"
        self._made = 0
        self._writers = {kind.name: _Writer(kind, plan) for kind in plan.kinds}

    def next(self) -> Request:
        """The next request."""
        while True:
            if not self._left:
                self._left = self._cards.copy()
                self._random.shuffle(self._left)
            kind = self._left.pop()
            taken = None
            if kind.takes is not None:
                stock = self._stock[kind.takes]
                if not stock:
                    continue
                taken = stock.popleft()
            self._made += 1
            return self._writers[kind.name].write(self._random, self._pools, taken, f"{self._prefix}{self._made}")

    def give(self, pool: str, value: int) -> None:
        """A value that an answer gave."""
        stock = self._stock.get(pool)
        if stock is None:
            self._pools.setdefault(pool, []).append(value)
        elif len(stock) < MOST_KEPT:
            stock.append(value)


class _Writer:
    """Makes requests of one kind; what never changes is put together once."""

    def __init__(self, kind: Kind, plan: Plan) -> None:
        self._kind = kind
        self._path = FIELD.split(kind.path)
        self._body = FIELD.split(kind.body) if kind.body is not None else None
        self._heads = [
            f" HTTP/1.1\r\nHost: {plan.host}:{plan.port}\r\nAuthorization: Bearer {plan.tokens[user]}\r\n"
            "User-Agent: ims-bench\r\nAccept: */*\r\n"
            for user in kind.users
        ]
        self._gives = tuple(
            (re.compile(rb'"' + member.encode() + rb'":(\d+)'), pool) for member, pool in kind.gives.items()
        )

    def write(self, chance: random.Random, pools: dict[str, list[Any]], taken: Any, key: str) -> Request:
        drawn: dict[str, Any] = {"key": key}
        if self._kind.takes is not None:
            drawn[self._kind.takes] = taken
        path = _fill(self._path, chance, pools, drawn)
        head = f"{self._kind.method} {path}{chance.choice(self._heads)}"
        if self._kind.method == "GET":
            return Request(self._kind, (head + "\r\n").encode(), self._gives)
        body = _fill(self._body, chance, pools, drawn) if self._body is not None else ""
        if self._kind.method == "POST":
            head += f"Idempotency-Key: {key}\r\n"
        content = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        return Request(self._kind, content.encode(), self._gives)


def fill(text: str, values: Mapping[str, Any]) -> str:
    """The text with each `{name}` replaced by the value of that name."""
    return FIELD.sub(lambda found: str(values[found[1]]), text)


def _fill(parts: list[str], chance: random.Random, pools: dict[str, list[Any]], drawn: dict[str, Any]) -> str:
    """The text with every field replaced: odd parts are names of pools; the same name is the same value."""
    if len(parts) == 1:
        return parts[0]
    text = parts.copy()
    for index in range(1, len(parts), 2):
        name = parts[index]
        if name not in drawn:
            drawn[name] = chance.choice(pools[name])
        text[index] = str(drawn[name])
    return "".join(text)
