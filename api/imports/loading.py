"""What the steps of one import share: its transaction, its files as staged, the chain before and after, the report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from api.imports.chain import Chain
from api.imports.columns import FileSpec
from api.imports.report import FileCount, ImportReport

Connection = psycopg.Connection[tuple[object, ...]]
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Staged:
    """A file whose rows wait in `spec.staged`. `is_whole` is False where reading it ended early or lost rows."""

    spec: FileSpec
    file: str
    columns: frozenset[str]
    is_whole: bool
    count: FileCount


@dataclass
class Loading:
    """One import on its way. Everything happens in the one transaction of `connection`.

    With `is_quarantine` a row of a record file that breaks a rule is set aside, and the rest is loaded.
    """

    connection: Connection
    report: ImportReport
    progress: Progress
    before: Chain | None
    after: Chain = field(default_factory=Chain)
    files: dict[str, Staged] = field(default_factory=dict)
    is_quarantine: bool = False
    # record files that had broken rows
    faulty: set[str] = field(default_factory=set)
    # rows set aside by earlier imports, whose corrected ones this one brings
    released: int = 0

    @property
    def as_of(self) -> dt.date:
        """The opening up to which the chain's data are complete once this folder is loaded."""
        assert self.after.as_of is not None
        return self.after.as_of

    @property
    def as_of_before(self) -> dt.date | None:
        """The same before this folder; None for the first."""
        return None if self.before is None else self.before.as_of

    def execute(self, statement: str, **values: object) -> psycopg.Cursor[tuple[object, ...]]:
        """Run one statement with `%(name)s` parameters in the import's transaction."""
        return self.connection.execute(statement, values)

    def count(self, statement: str, **values: object) -> tuple[int, ...]:
        """The integers of a one-row result."""
        row = self.execute(statement, **values).fetchone()
        assert row is not None
        return tuple(int(str(value)) for value in row)
