"""References by business key: which columns of a file name a row of another table, and the joins that find it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One column of the key of the table referred to: a column of the file, or a link to a further table.

    `default` is SQL over the file's row `s` that stands in for an empty value; a nullable part may match null.
    """

    column: str
    source: str | Link
    default: str | None = None
    is_nullable: bool = False


@dataclass(frozen=True)
class Link:
    """A row of `table` known by its key; `takes` pairs this table's columns with those of the row that fill them."""

    name: str
    table: str
    key: str
    parts: tuple[Part, ...]
    takes: tuple[tuple[str, str], ...]
    is_required: bool
    word: str

    @property
    def alias(self) -> str:
        """The name under which a statement joins the row."""
        return f"l_{self.name}"

    def columns(self) -> Iterator[str]:
        """The columns of the file that the link reads, in the order of the keys."""
        for part in self.parts:
            if isinstance(part.source, str):
                yield part.source
            else:
                yield from part.source.columns()

    def joins(self, given: frozenset[str]) -> Iterator[str]:
        """LEFT JOINs onto the file's rows `s`, of which only the columns `given` are there; the inner ones first."""
        conditions = []
        for part in self.parts:
            if isinstance(part.source, Link):
                yield from part.source.joins(given)
                value = f"{part.source.alias}.{part.source.key}"
            elif part.source in given:
                value = f"coalesce(s.{part.source}, {part.default})" if part.default else f"s.{part.source}"
            else:
                value = part.default or "NULL"
            if part.is_nullable:
                conditions.append(f"coalesce({self.alias}.{part.column}, 0) = coalesce({value}, 0)")
            else:
                conditions.append(f"{self.alias}.{part.column} = {value}")
        yield f"LEFT JOIN {self.table} AS {self.alias} ON {' AND '.join(conditions)}"
