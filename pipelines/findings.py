"""Between the checks and PostgreSQL: which waivers a run minds, and what it found, kept whatever becomes of the run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from api import findings
from expectations.check import CheckResult, Waiver

if TYPE_CHECKING:
    import psycopg

COLUMNS = (
    "severity", "owner", "state", "observed", "what_to_do", "holds_back", "failed_count", "waived_count",
)  # fmt: skip


def read_waivers(connection: psycopg.Connection[Any]) -> tuple[Waiver, ...]:
    """The waivers that hold today."""
    rows = findings.waivers(connection, dt.datetime.now(dt.UTC).date())
    return tuple(
        Waiver(
            row["table_name"], row["check_name"], row["store_code"], row["reason"], row["waived_by"], row["expires_on"]
        )
        for row in rows
    )


def keep_results(url: str, run_id: str, results: Sequence[CheckResult]) -> None:
    """Write what a run found to the operational database, each result with the rows that broke it."""
    import psycopg

    with psycopg.connect(url) as connection:
        findings.write_results(
            connection, run_id, [(_values(result), result.failed_rows, result.store) for result in results]
        )


def _values(result: CheckResult) -> dict[str, Any]:
    return {
        "table_name": result.table,
        "check_name": result.check,
        **{name: getattr(result, name) for name in COLUMNS},
    }
