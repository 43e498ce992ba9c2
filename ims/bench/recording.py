"""Which statements a request runs: the application in this process, its cursors noting what they are given.

The same statements, with the values of other requests, are then the work of pgbench: nothing is written twice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from ims.bench.deck import fill
from ims.bench.plan import Journey, Kind
from ims.failure import Failure
from ims.postgres import Databases

PROBE = "/api/v1/stores?limit=1"
MOST_TRIES = 100


@dataclass
class Statement:
    """A statement as a service gave it, its values, how many rows it answered with, and those that were read."""

    text: str
    values: Mapping[str, Any] | Sequence[Any] | None
    count: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Recorded:
    """A kind of request, the values that were drawn for it, and the statements it ran."""

    kind: Kind
    drawn: dict[str, Any]
    statements: list[Statement]
    answer: dict[str, Any]


class NotingCursor(psycopg.AsyncCursor[Any]):
    """A cursor that keeps what it runs in `noted`, while there is one."""

    noted: list[Statement] | None = None
    _last: Statement | None = None

    async def execute(self, query: Any, params: Any = None, **options: Any) -> NotingCursor:
        """Run it, and note it."""
        await super().execute(query, params, **options)
        if NotingCursor.noted is not None:
            text = query if isinstance(query, str | bytes) else query.as_string(self.connection)
            self._last = Statement(text.decode() if isinstance(text, bytes) else text, params)
            NotingCursor.noted.append(self._last)
        return self

    async def executemany(self, query: Any, params_seq: Any, *, returning: bool = False) -> None:
        """Run it for each, and note each."""
        given = list(params_seq)
        await super().executemany(query, given, returning=returning)
        if NotingCursor.noted is not None:
            text = query if isinstance(query, str | bytes) else query.as_string(self.connection)
            plain = text.decode() if isinstance(text, bytes) else text
            NotingCursor.noted += [Statement(plain, params) for params in given]

    async def fetchone(self) -> Any:
        """The next row."""
        row = await super().fetchone()
        self._note([row] if row is not None else [])
        return row

    async def fetchall(self) -> list[Any]:
        """All rows left."""
        rows = await super().fetchall()
        self._note(rows)
        return rows

    def _note(self, rows: list[Any]) -> None:
        if self._last is None:
            return
        names = [column.name for column in self.description or ()]
        self._last.count = self.rowcount
        self._last.rows += [dict(row) if isinstance(row, dict) else dict(zip(names, row, strict=True)) for row in rows]


async def record(
    databases: Databases,
    tokens: Mapping[str, str],
    journeys: Sequence[Journey],
    pools: Mapping[str, Sequence[Any]],
    samples: int,
) -> list[tuple[Journey, list[Recorded]]]:
    """Send each journey's requests to the application in this process, so many times, each time with other values.

    Raises Failure when a request is not answered as expected.
    """
    from api.app import create_app

    app = create_app(databases)
    app.state.pool.kwargs["cursor_factory"] = NotingCursor
    chance = random.Random(1)  # nosec B311
    found: list[tuple[Journey, list[Recorded]]] = []
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as web,
    ):
        for number in range(samples * len(journeys)):
            journey = journeys[number % len(journeys)]
            given: dict[str, Any] = {}
            steps: list[Recorded] = []
            for kind in journey.kinds:
                drawn = {name: chance.choice(pools[name]) for name in kind.fields if name in pools} | given
                token = tokens[kind.users[number // len(journeys) % len(kind.users)]]
                steps.append(await _send(web, kind, drawn, f"recorded-{number:04d}-{len(steps)}", token))
                given |= {pool: steps[-1].answer[member] for member, pool in kind.gives.items()}
            found.append((journey, steps))
    return found


async def _send(web: httpx.AsyncClient, kind: Kind, drawn: dict[str, Any], key: str, token: str) -> Recorded:
    values = {**drawn, "key": key}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if kind.method == "POST":
        headers["Idempotency-Key"] = key
    for _ in range(MOST_TRIES):
        # a user's first request reads who that is, later ones know: only the latter are wanted
        _, noted = await _noting(web, "GET", PROBE, headers, None)
        if not any("user_sessions" in statement.text for statement in noted):
            break
        await asyncio.sleep(0.1)
    body = fill(kind.body, values) if kind.body is not None else None
    answer, noted = await _noting(web, kind.method, fill(kind.path, values), headers, body)
    if answer.status_code not in kind.status:
        raise Failure(f"{kind.name} was answered with {answer.status_code}: {answer.text[:600]}")
    return Recorded(kind, values, noted, answer.json() if answer.content else {})


async def _noting(
    web: httpx.AsyncClient, method: str, path: str, headers: Mapping[str, str], body: str | None
) -> tuple[httpx.Response, list[Statement]]:
    noted: list[Statement] = []
    NotingCursor.noted = noted
    try:
        return await web.request(method, path, content=body, headers=headers), noted
    finally:
        NotingCursor.noted = None
