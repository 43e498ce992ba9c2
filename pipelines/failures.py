"""What failed in the newest run, as words for a terminal and as a file for whoever owns the rows.

Reads PostgreSQL only: a blocked run's findings are there as well as a published one's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.findings import CheckedRun, Row, failed_rows, spell
from warehouse.wording import HELD, OUTCOMES, SAYS

if TYPE_CHECKING:
    import polars as pl
    import psycopg

COLUMNS = ("severity", "table", "check", "store_code", "owner", "what_to_do", "row")


def wanted(found: CheckedRun, store_code: str | None, *, with_passed: bool = False) -> list[Row]:
    """The results to speak of: what failed or is waived, of one store what has rows of it; the gravest first."""
    order = list(SAYS)
    rows = [row for row in found.results if with_passed or row["state"] != "passed"]
    if store_code is not None:
        rows = [row for row in rows if row["store_count"]]
    return sorted(
        rows, key=lambda row: (row["state"] == "passed", row["state"] == "waived", order.index(row["severity"]))
    )


def describe(connection: psycopg.Connection[Any], found: CheckedRun, store_code: str | None = None) -> Iterator[str]:
    """Lines that tell a newcomer what was checked, what failed, why, who looks after it and what they do."""
    states = Counter(
        "passed" if row["state"] == "passed" else "waived" if row["state"] == "waived" else row["severity"]
        for row in found.results
    )
    tables = len({row["table_name"] for row in found.results})
    yield (
        f"The run of {found.started_at:%Y-%m-%d %H:%M} UTC for the opening of {found.as_of}: {OUTCOMES[found.state]}."
    )
    yield (
        f"{len(found.results)} checks of {tables} tables: {states['passed']} passed, {states['blocking']} stop "
        f"publishing, {states['warning']} warn, {states['info']} tell something, {states['waived']} are waived."
    )
    for row in wanted(found, store_code):
        yield from _describe(connection, row, store_code)


def _describe(connection: psycopg.Connection[Any], row: Row, store_code: str | None) -> Iterator[str]:
    word = "WAIVED" if row["state"] == "waived" else SAYS[row["severity"]]
    count = f"{row['store_count']} rows of {store_code}" if store_code else row["observed"]
    yield ""
    yield f"{word}  {row['table_name']}: {row['check_name'].replace('_', ' ')} ({count})"
    yield f"  owner: {row['owner']}"
    yield f"  to do: {row['what_to_do']}"
    if row["holds_back"] and row["state"] == "failed":
        yield f"  until then: {HELD[row['holds_back']]}"
    for example, _ in failed_rows(connection, row["check_result_id"], _stores(store_code), limit=2):
        yield f"  for example: {spell(example)}"


def as_frame(connection: psycopg.Connection[Any], found: CheckedRun, store_code: str | None = None) -> pl.DataFrame:
    """The kept failed rows, those of one store where it is named: one row each, spelled out beside its check."""
    import polars as pl

    rows = [
        {
            "severity": result["severity"],
            "table": result["table_name"],
            "check": result["check_name"],
            "store_code": store,
            "owner": result["owner"],
            "what_to_do": result["what_to_do"],
            "row": spell(row),
        }
        for result in wanted(found, store_code)
        if result["state"] == "failed"
        for row, store in failed_rows(connection, result["check_result_id"], _stores(store_code))
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String))


def write(connection: psycopg.Connection[Any], found: CheckedRun, out: Path, store_code: str | None = None) -> int:
    """Write these rows to a .csv or .xlsx file in which nothing is run as a formula; how many."""
    from pipelines.files import write_frame

    frame = as_frame(connection, found, store_code)
    write_frame(frame, out)
    return frame.height


def _stores(store_code: str | None) -> list[str] | None:
    return None if store_code is None else [store_code]
