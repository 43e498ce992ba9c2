"""Builds tables one after the other over one connection, in few transactions.

A table is skipped while its SQL, what it reads and the day of the run are those it was built from; else what really
changed is looked up, and only the rows it touches are rebuilt. The lake holds its stamp.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.incremental import count
from pipelines.rebuild import Rebuild
from pipelines.rewriting import Built, Way, delete_rows, insert_rows, rewrite
from warehouse.changes import Changes
from warehouse.contracts import contract
from warehouse.lake import current_snapshot
from warehouse.stamps import stamp_all, table_stamps
from warehouse.transactions import plain_errors, transaction
from warehouse.transformations import Transformation

if TYPE_CHECKING:
    import duckdb

WRITES: frozenset[Way] = frozenset({"parts", "whole", "backfill"})


class NotBuilt(LookupError):
    """A table cannot be built because one it reads is not in the lake yet."""


@dataclass(frozen=True)
class Stamp:
    """What a table's stamp says: the name of its content, what made it, by which code and snapshot, and its rows."""

    content: str
    inputs: str = ""
    code: str = ""
    snapshot: int = -1
    rows: int | None = None

    @staticmethod
    def read(text: str) -> Stamp:
        content, *rest = text.split()
        return Stamp(content, rest[0], rest[1], *map(int, rest[2:4])) if len(rest) > 2 else Stamp(content)

    def __str__(self) -> str:
        return f"{self.content} {self.inputs} {self.code} {self.snapshot} {'' if self.rows is None else self.rows}"


class Builder:
    """Builds tables one after the other, those that do not read each other in one transaction.

    Of rows that are not committed yet the change feed tells nothing, and the engine plans as if there were none.
    Left by an error it leaves everything as it was at the last commit.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, as_of: dt.date, rebuild: Rebuild | None = None) -> None:
        self._con, self._as_of, self._rebuild = con, as_of, rebuild
        with plain_errors():
            self._stamps = read_stamps(con)
        self._new: dict[str, Stamp] = {}
        self._written: set[str] = set()
        self._changes: Changes | None = None
        self._has_looked = False
        self._open = ExitStack()
        self._snapshot: int | None = None

    def __enter__(self) -> Builder:
        return self

    def __exit__(self, *error: Any) -> None:
        if error[0] is not None:
            self._open.__exit__(*error)
            return
        self.settle()
        if self._changes is not None:
            self._changes.forget()

    def build(self, transformation: Transformation) -> Built:
        """Build where needed. Raises NotBuilt."""
        name, stood = transformation.full_name, self._stamps.get(transformation.full_name)
        inputs, code = inputs_of(transformation, self._as_of, self._stamps), _code(transformation, self._as_of)
        if stood is not None and stood.inputs == inputs and self._rebuild is None:
            return Built("stood", self._rows(name))
        is_known = stood is not None and stood.code == code and not (self._rebuild and self._rebuild.is_full)
        if not self._written.isdisjoint(transformation.upstream):
            self.settle()
        with self._or_nothing(), plain_errors():
            snapshot = self._begin()
            since = stood.snapshot if stood is not None and is_known else None
            changes = None if since is None else self._look()
            built = rewrite(self._con, transformation, since, changes, self._rows(name))
            if self._rebuild is not None and built.way != "whole":
                where = self._rebuild.condition(contract(name))
                removed = delete_rows(self._con, name, where)
                added = insert_rows(self._con, name, transformation.sql, where)
                built = Built("backfill", built.rows - removed + added, built.keys)
        content = stood.content if stood is not None and built.way == "unchanged" else inputs
        # what a backfill mends is not seen in what the table was built from
        content = _digest(inputs, str(snapshot)) if built.way == "backfill" else content
        self._stamps[name] = self._new[name] = Stamp(content, inputs, code, snapshot, built.rows)
        if built.way in WRITES:
            self._written.add(name)
        return built

    def _rows(self, name: str) -> int:
        """How many rows the table has: as its stamp says, else counted; none where it is not there yet."""
        import duckdb

        stood = self._stamps.get(name)
        if stood is not None and stood.rows is not None:
            return stood.rows
        with suppress(duckdb.CatalogException):
            return count(self._con, f"lake.{name}")
        return 0

    @contextmanager
    def _or_nothing(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._open.__exit__(type(error), error, error.__traceback__)
            self._written, self._snapshot, self._has_looked = set(), None, False
            raise

    def pause(self) -> None:
        """Commit rows that were written, leave no transaction open; that tables are unchanged is said with the next."""
        if self._written:
            self.settle()
        self._open.close()
        self._snapshot = None

    def settle(self) -> None:
        """Commit what was built."""
        with self._open, plain_errors():
            if self._new:
                stamp_all(self._con, {name: str(each) for name, each in self._new.items()})
        self._new, self._written, self._snapshot, self._has_looked = {}, set(), None, False

    def _begin(self) -> int:
        """Open the transaction where none is; the snapshot that it will make, for runs write one at a time."""
        if self._snapshot is None:
            # the SQL names tables without their database, and a cursor does not inherit USE
            self._con.execute("USE lake")
            self._con.execute(f"SET VARIABLE as_of = DATE '{self._as_of:%Y-%m-%d}'")
            self._open.enter_context(transaction(self._con))
            self._snapshot = current_snapshot(self._con) + 1
        return self._snapshot

    def _look(self) -> Changes:
        if self._changes is None:
            self._changes = Changes(self._con)
        elif not self._has_looked:
            self._changes.look_again()
        self._has_looked = True
        return self._changes


def read_stamps(con: duckdb.DuckDBPyConnection) -> dict[str, Stamp]:
    """What stands, by table."""
    return {name: Stamp.read(text) for name, text in table_stamps(con).items()}


def inputs_of(transformation: Transformation, as_of: dt.date, stamps: dict[str, Stamp]) -> str:
    """A name for everything the table's content depends on. Raises NotBuilt."""
    missing = [up for up in transformation.upstream if up not in stamps]
    if missing:
        raise NotBuilt(f"{transformation.full_name} reads {', '.join(missing)}, which the lake does not hold yet")
    return _digest(_code(transformation, as_of), *(stamps[up].content for up in transformation.upstream))


def _code(transformation: Transformation, as_of: dt.date) -> str:
    """A name for what is not rows: the SQL, how it is cut, and the day where the SQL itself looks at it."""
    partition = repr(contract(transformation.full_name).partition)
    return _digest(transformation.sql, partition, as_of.isoformat() if transformation.reads_as_of else "")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
