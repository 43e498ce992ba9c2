"""Recorded statements as scripts of pgbench: it draws what a request drew, and passes on what the database gave.

Values are known by their size alone: every key of a bench world lies above `SMALLEST_KEY` and in a range of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import postgres
from psycopg.adapt import PyFormat, Transformer

from ims.bench.recording import Recorded, Statement

SMALLEST_KEY = 100_000
ROW = "__row"  # between a column and the number of its row, in the name of a variable
PLACEHOLDER = re.compile(r"%%|%\((\w+)\)[sbt]|%[sbt]")


@dataclass
class Script:
    """A script, how often it runs beside others, and how many requests one run stands for."""

    name: str
    weight: int
    requests: int
    text: str


class Writer:
    """Writes one script from the requests of one journey; `ranges` are the pools that pgbench can draw from."""

    def __init__(self, ranges: Mapping[str, tuple[int, int]], connection: psycopg.Connection[Any] | None) -> None:
        self._ranges = ranges
        self._transformer = Transformer(connection)
        self._known: dict[str, str] = {}
        self._used: set[str] = set()
        self._gets = 0

    def write(self, name: str, weight: int, journey: Sequence[Recorded]) -> Script:
        """The script of these requests, one after the other, each in a transaction of its own."""
        lines: list[str] = []
        transactions = []
        for number, recorded in enumerate(journey):
            for drawn, value in recorded.drawn.items():
                if drawn in self._ranges and isinstance(value, int):
                    low, high = self._ranges[drawn]
                    lines.append(rf"\set r{number}_{drawn} random({low}, {high})")
                    self._known[str(value)] = f"r{number}_{drawn}"
            lines.append(rf"\set key{number} random(1, 9000000000000000000)")
            self._known[str(recorded.drawn["key"])] = f"key{number}"
            self._known |= {str(recorded.answer[member]): f"key{number}" for member in recorded.kind.makes}
            writes = recorded.kind.writes
            transactions.append((recorded, [self._statement(each, writes) for each in recorded.statements]))
        for recorded, statements in transactions:
            lines += self._transaction(recorded, statements)
        return Script(name, weight, len(journey), "\n".join(lines) + "\n")

    def _transaction(self, recorded: Recorded, statements: Sequence[tuple[str, str]]) -> list[str]:
        """A read whose statements need nothing of each other travels in one pipeline, as the application sends it."""
        lines = []
        passes_on = False
        for text, prefix in statements:
            used = sorted(name.removeprefix(prefix) for name in self._used if prefix and name.startswith(prefix))
            passes_on |= bool(used)
            lines += [_in_one_row(text, used), rf"\gset {prefix}"] if used else [f"{text};"]
        if recorded.kind.writes or passes_on:
            return ["BEGIN;", *lines, "COMMIT;"]
        return [r"\startpipeline", *lines, r"\endpipeline"]

    def _statement(self, statement: Statement, writes: bool) -> tuple[str, str]:
        """The statement in SQL, and the prefix under which its keys are passed on (empty: it has nothing to pass on).

        Of several rows only what a write needs: a list that is read gives another request something to draw.
        """
        positions = iter(statement.values) if isinstance(statement.values, list | tuple) else None

        def replace(found: re.Match[str]) -> str:
            if found[0] == "%%":
                return "%"
            if found[1] is not None:
                assert isinstance(statement.values, Mapping)
                return self._expression(statement.values[found[1]])
            assert positions is not None
            return self._expression(next(positions))

        text = statement.text if statement.values is None else PLACEHOLDER.sub(replace, statement.text)
        one_line = " ".join(line.split("--")[0] for line in text.splitlines()).strip().rstrip(";")
        prefix = f"g{self._gets}_"
        fresh: dict[str, str] = {}
        for number, row in enumerate(statement.rows if writes or statement.count == 1 else [], start=1):
            for name, value in row.items():
                if _is_key(value) and str(value) not in self._known:
                    fresh.setdefault(str(value), prefix + name + (f"{ROW}{number}" if statement.count > 1 else ""))
        self._gets += bool(fresh)
        self._known |= fresh
        return one_line, prefix if fresh else ""

    def _expression(self, value: Any) -> str:
        """The value in SQL; keys inside it are variables."""
        if value is None:
            return "NULL"
        dumper = self._transformer.get_dumper(value, PyFormat.TEXT)
        dumped = dumper.dump(value)
        text = bytes(dumped).decode() if dumped is not None else ""
        cast = _type_name(dumper.oid)
        if not isinstance(value, str) and text.isdigit() and text in self._known:
            return f"{self._variable(text)}{cast or '::bigint'}"
        parts, last = [], 0
        for found in self._pattern().finditer(text):
            parts += [_quote(text[last : found.start()]), f"{self._variable(found[0])}::text"]
            last = found.end()
        if not parts:
            return _quote(text) + cast
        return f"({' || '.join([*parts, _quote(text[last:])])}){cast}"

    def _pattern(self) -> re.Pattern[str]:
        """Every known value where it stands alone."""
        return re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, self._known))})(?![\w.])")

    def _variable(self, known: str) -> str:
        self._used.add(self._known[known])
        return f":{self._known[known]}"


def _in_one_row(text: str, used: Sequence[str]) -> str:
    """A statement of several rows as one row of what is used of them: pgbench passes on no other."""
    if not any(ROW in name for name in used):
        return text
    parts = [(name, *name.split(ROW)) for name in used]
    wanted = ", ".join(f"(array_agg(found.{column}))[{number}] AS {name}" for name, column, number in parts)
    return f"WITH found AS ({text}) SELECT {wanted} FROM found"


def _is_key(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= SMALLEST_KEY


def _type_name(oid: int) -> str:
    if not oid:
        return ""
    for each in postgres.types:
        if each.oid == oid:
            return f"::{each.name}"
        if each.array_oid == oid:
            return f"::{each.name}[]"
    return ""


def _quote(text: str) -> str:
    """A literal in which pgbench sees no variable: it looks for colons inside of quotes, too."""
    plain = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace(":", "\\x3a")
    return f"E'{plain}'" if "\\" in plain else f"'{plain}'"
