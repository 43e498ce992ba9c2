"""The vocabulary of a file's declaration: columns, their kinds and bounds, keys and what a column refers to.

Declares nothing itself (see `files.py`) and reads nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "date", "timestamp", "integer", "decimal", "boolean", "json"]

# what a staged value of a kind is in PostgreSQL; money is rounded to its column's scale only when it is merged
STAGED_TYPES: dict[Kind, str] = {
    "text": "text",
    "date": "date",
    "timestamp": "timestamptz",
    "integer": "bigint",
    "decimal": "numeric",
    "boolean": "boolean",
    "json": "jsonb",
}
INTEGER = 2_147_483_647
BIGINT = 9_223_372_036_854_775_807


@dataclass(frozen=True)
class Reference:
    """What a code names: the master file, its table, and the id that stands for it in other tables."""

    file: str
    table: str
    code: str
    key: str
    word: str


@dataclass(frozen=True)
class Column:
    """One column of a file. `target` is the table's column where its name differs; bounds are inclusive.

    `default` is SQL that stands in for an empty value, over the staged row `s`.
    """

    name: str
    kind: Kind
    meaning: str
    is_required: bool = False
    target: str | None = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    reference: Reference | None = None
    default: str | None = None

    @property
    def stored_as(self) -> str:
        """The column of the table that keeps this value."""
        if self.reference is not None:
            return self.reference.key
        return self.target or self.name

    @property
    def rule(self) -> str:
        """What a value must be, as the report says it."""
        if self.choices:
            return f"must be one of {', '.join(self.choices)}"
        words = {
            "text": "must be text without NUL characters",
            "date": "must be an ISO date such as 2024-04-15, from 1900 on",
            "timestamp": "must be an ISO time such as 2024-04-15 09:30:00, with or without an offset",
            "integer": "must be a whole number",
            "decimal": "must be a plain number",
            "boolean": "must be true or false",
            "json": "must be a JSON object",
        }[self.kind]
        bounds = [
            f"{word} {value:,}" if abs(value) >= 1 else f"{word} {value:g}"
            for word, value in (("at least", self.minimum), ("at most", self.maximum))
            if value is not None
        ]
        return f"{words}, {' and '.join(bounds)}" if bounds else words


@dataclass(frozen=True)
class RowRule:
    """A rule over the columns of one row: `broken` is SQL that is true of a row that breaks it."""

    column: str
    broken: str
    rule: str


@dataclass(frozen=True)
class FileSpec:
    """One file of a chain folder: its columns, the key that knows a row, and the table it fills.

    `further` are those of `columns` that come from the schema, not from the planner's format.
    """

    name: str
    table: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    row_rules: tuple[RowRule, ...] = ()
    further: tuple[Column, ...] = ()

    @property
    def staged(self) -> str:
        """The temporary table its rows wait in."""
        return f"staged_{self.name}"

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.is_required)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def suggest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest known word, or the list of known ones.

    >>> suggest("quantiy", ["sold_on", "quantity"])
    "; did you mean 'quantity'?"
    """
    known = list(known)
    near = difflib.get_close_matches(word.strip().lower(), known, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"
