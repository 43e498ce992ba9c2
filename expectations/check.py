"""What a check is and what running it gives. Holds no rule and touches no data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Severity = Literal["blocking", "warning", "info"]
Owner = Literal["data team", "buyer", "store manager", "accountant"]
Held = Literal["rows", "store_days", "pairs"]
Row = dict[str, Any]
SAMPLE = 5


class RefusedSuite(ValueError):
    """A suite that would pass whatever the data are; the message says which, and why."""


@dataclass(frozen=True)
class Check:
    """One thing that must be true of a table.

    Stated as the rows that break it: `failing` is a SELECT over `batch`, which is the table; `breaks` is what such a
    row has in itself, where it can be told from the row alone. Where Great Expectations has an expectation of its own,
    `expectation` names it with its `arguments`. A blocking check stops publishing; a warning is published with the
    figures, an info is only told. `owner` is who looks after it, `store` the column of `failing` that says whose rows
    they are. `holds_back` says what is left out of everything behind while it is broken. `is_derived` tells what
    follows from the table's contract from the rules that the business adds.
    """

    table: str
    name: str
    severity: Severity
    failing: str
    what_to_do: str
    expectation: str = "UnexpectedRowsExpectation"
    arguments: dict[str, Any] = field(default_factory=dict)
    is_derived: bool = False
    owner: Owner = "data team"
    store: str = "store_code"
    holds_back: Held | None = None
    breaks: str | None = None

    @property
    def column(self) -> str | None:
        """The one column an expectation of Great Expectations looks at."""
        return self.arguments.get("column")

    def failing_of(self, batch: str) -> str:
        """The SELECT of the rows that break it, over `batch`: a table's name or a subquery."""
        return f"WITH batch AS NOT MATERIALIZED (SELECT * FROM {batch}) SELECT * FROM ({self.failing})"


@dataclass(frozen=True)
class Suite:
    """Every check of one table. `empty_when` says why a chain may have no row of it; None: it must have some."""

    table: str
    checks: tuple[Check, ...]
    empty_when: str | None = None

    def __post_init__(self) -> None:
        if not self.checks:
            raise RefusedSuite(f"the suite of {self.table} has no check: it would pass whatever the table holds")
        names = [check.name for check in self.checks]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise RefusedSuite(f"the suite of {self.table} has two checks named {', '.join(sorted(twice))}")


@dataclass(frozen=True)
class Waiver:
    """Somebody's word that what a check finds is known and accepted, in one store or (None) in all, until a day."""

    table: str
    check: str
    store_code: str | None
    reason: str
    waived_by: str
    expires_on: dt.date

    def covers(self, check: Check, store_code: str | None) -> bool:
        """Whether it speaks of this check's rows of that store."""
        same = (self.table, self.check) == (check.table, check.name)
        return same and self.store_code in (None, store_code)


@dataclass(frozen=True)
class CheckResult:
    """What one check found. `failed_rows` are the first rows that break it, as JSON can carry them.

    `failed_count` counts them all, `waived_count` those of them that a waiver speaks of; `waivers` are these.
    """

    table: str
    check: str
    severity: Severity
    passed: bool
    observed: str
    failed_rows: tuple[Row, ...]
    what_to_do: str
    owner: Owner = "data team"
    failed_count: int = 0
    waived_count: int = 0
    waivers: tuple[Waiver, ...] = ()
    store: str | None = None
    holds_back: Held | None = None

    @property
    def is_waived(self) -> bool:
        """Whether it failed, and every row that breaks it is waived."""
        return not self.passed and 0 < self.failed_count == self.waived_count

    @property
    def counts(self) -> bool:
        """Whether it failed and somebody has to look: a waived failure neither blocks nor warns."""
        return not self.passed and not self.is_waived

    @property
    def is_blocking(self) -> bool:
        """Whether this result alone stops publishing."""
        return self.counts and self.severity == "blocking"

    @property
    def failed_rows_sample(self) -> tuple[Row, ...]:
        """At most five rows that break it."""
        return self.failed_rows[:SAMPLE]

    @property
    def state(self) -> str:
        """`passed`, `failed` or `waived`."""
        return "passed" if self.passed else "waived" if self.is_waived else "failed"

    @property
    def title(self) -> str:
        """`marts.dim_store: key_is_unique (3 rows)`, for lists and messages."""
        return f"{self.table}: {self.check} ({self.observed})"

    def shortened(self) -> CheckResult:
        """The same with its sample alone: the rows themselves are kept elsewhere."""
        return replace(self, failed_rows=self.failed_rows_sample)
