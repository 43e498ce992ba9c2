"""Which statements a request runs: the application in this process, its cursors noting what they are given.

The same statements, with the values of other requests, are then the work of pgbench: nothing is written twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from ims.bench.deck import fill
from ims.bench.plan import Kind
from ims.failure import Failure
from ims.postgres import Databases


@dataclass
class Statement:
    """A statement as a service gave it, its values, and the first row it answered with how many there were."""

    text: str
    values: Mapping[str, Any] | Sequence[Any] | None
    row: dict[str, Any] = field(default_factory=dict)
    rows: int = 0


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
        if self._last is None or not rows or self._last.rows:
            return
        first = rows[0]
        names = [column.name for column in self.description or ()]
        self._last.rows = max(self.rowcount, len(rows))
        self._last.row = dict(first) if isinstance(first, dict) else dict(zip(names, first, strict=True))


async def record(
    databases: Databases, tokens: Mapping[str, str], sequence: Sequence[tuple[Kind, dict[str, Any]]]
) -> list[Recorded]:
    """Send each request to the application in this process; raises Failure when one is not answered as expected.

    A value that a kind takes from a pool may be a callable of what was recorded so far.
    """
    from api.app import create_app

    app = create_app(databases)
    app.state.pool.kwargs["cursor_factory"] = NotingCursor
    found: list[Recorded] = []
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench") as web,
    ):
        for number, (kind, drawn) in enumerate(sequence):
            values = {name: value(found) if callable(value) else value for name, value in drawn.items()}
            values["key"] = f"recorded-{number:06d}"
            headers = {"Authorization": f"Bearer {tokens[kind.users[0]]}", "Content-Type": "application/json"}
            if kind.method == "POST":
                headers["Idempotency-Key"] = values["key"]
            # a user's first request reads who that is, later ones know: only the latter are wanted
            await web.get("/api/v1/stores?limit=1", headers=headers)
            noted: list[Statement] = []
            NotingCursor.noted = noted
            try:
                body = fill(kind.body, values) if kind.body is not None else None
                answer = await web.request(kind.method, fill(kind.path, values), content=body, headers=headers)
            finally:
                NotingCursor.noted = None
            if answer.status_code not in kind.status:
                raise Failure(f"{kind.name} was answered with {answer.status_code}: {answer.text[:600]}")
            found.append(Recorded(kind, values, noted, answer.json() if answer.content else {}))
    return found
