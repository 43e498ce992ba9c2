"""What a check is and what running it gives. Holds no rule and touches no data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["blocking", "warning"]


class RefusedSuite(ValueError):
    """A suite that would pass whatever the data are; the message says which, and why."""


@dataclass(frozen=True)
class Check:
    """One thing that must be true of a table.

    Stated as the rows that break it: `failing` is a SELECT over `batch`, which is the table; or, where Great
    Expectations has an expectation of its own, `expectation` names it with its `arguments`, and `failing` gives only
    the sample that a person is shown. A blocking check stops publishing; a warning is published with the figures.
    `is_derived` tells what follows from the table's contract from the rules that the business adds.
    """

    table: str
    name: str
    severity: Severity
    failing: str
    what_to_do: str
    expectation: str = "UnexpectedRowsExpectation"
    arguments: dict[str, Any] = field(default_factory=dict)
    is_derived: bool = False

    def failing_of(self, batch: str) -> str:
        """The SELECT of the rows that break it, over `batch`: a table's name or a subquery."""
        return f"WITH batch AS (SELECT * FROM {batch}) SELECT * FROM ({self.failing})"


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
class CheckResult:
    """What one check found. `observed` is a few words, `failed_rows_sample` at most five rows that break it."""

    table: str
    check: str
    severity: Severity
    passed: bool
    observed: str
    failed_rows_sample: tuple[dict[str, Any], ...]
    what_to_do: str

    @property
    def is_blocking(self) -> bool:
        """Whether this result alone stops publishing."""
        return not self.passed and self.severity == "blocking"

    @property
    def title(self) -> str:
        """`marts.dim_store: key_is_unique (3 rows)`, for lists and messages."""
        return f"{self.table}: {self.check} ({self.observed})"
