"""What must hold in the operational database, asked of it: each file of `api/invariants` gives the rows that break it.

The files are the list: whoever adds one has it checked in tests, by `ims invariants` and every night. A first line that
starts with "To decide:" names rows that wait for a person and do not say that anything went wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

FOLDER = Path(__file__).parents[1] / "invariants"
TO_DECIDE = "To decide: "


@dataclass(frozen=True)
class Invariant:
    """`name` is the file's, `rule` its first line: what must be true."""

    name: str
    rule: str
    is_to_decide: bool
    sql: str


def invariants() -> list[Invariant]:
    """All of them, by name."""
    found = []
    for path in sorted(FOLDER.glob("*.sql")):
        sql = path.read_text(encoding="utf-8")
        first = sql.splitlines()[0].removeprefix("--").strip()
        found.append(Invariant(path.stem, first.removeprefix(TO_DECIDE), first.startswith(TO_DECIDE), sql))
    return found


def check_invariants(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """How many rows break each invariant, by name. What only waits for a decision is not among them."""
    return {each.name: count_broken(connection, each) for each in invariants() if not each.is_to_decide}


def count_broken(connection: psycopg.Connection[Any], invariant: Invariant) -> int:
    """How many rows break an invariant."""
    row = connection.execute(f"SELECT count(*) FROM ({invariant.sql}) AS broken".encode()).fetchone()
    return 0 if row is None else int(row[0])


def broken_rows(connection: psycopg.Connection[Any], invariant: Invariant, limit: int = 5) -> list[dict[str, Any]]:
    """The first rows that break an invariant, by column."""
    cursor = connection.execute(f"SELECT * FROM ({invariant.sql}) AS broken LIMIT {limit:d}".encode())
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
