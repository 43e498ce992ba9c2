"""PostgreSQL held against the contracts of schema raw before anything is read: what left, or is of another kind.

A column that was renamed is told by name, and nothing breaks half-way. Columns that nobody brings over may come and go.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from expectations.check import CheckResult
from warehouse.contracts import Column, Contract, contracts

if TYPE_CHECKING:
    import psycopg

TABLE, CHECK = "raw.chain", "postgresql_is_as_contracted"
WHAT_TO_DO = (
    "PostgreSQL and the contracts in warehouse/contracts/raw disagree: run `ims run` with the version that made the "
    "database, or bring the contract up to date with the column that was renamed or changed."
)
COLUMNS = """
SELECT table_name, column_name, data_type, numeric_scale FROM information_schema.columns WHERE table_schema = 'public'
"""
WHOLE = {"smallint", "integer", "bigint"}
# what PostgreSQL may say where a contract says this; text takes whatever there is
FITTING = {
    "BIGINT": WHOLE,
    "INTEGER": WHOLE,
    "DOUBLE": {"double precision", "real", "numeric", *WHOLE},
    "DECIMAL": {"numeric", *WHOLE},
    "BOOLEAN": {"boolean"},
    "DATE": {"date"},
    "TIMESTAMP WITH TIME ZONE": {"timestamp with time zone"},
    "VARCHAR[]": {"ARRAY"},
    "INTEGER[]": {"ARRAY"},
}


def check_source(connection: psycopg.Connection[Any]) -> CheckResult:
    """Whether PostgreSQL has every column that a contract of schema raw brings over, of a kind that fits; it blocks."""
    found = {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(COLUMNS).fetchall()}
    failing = tuple(row for each in contracts("raw") if _is_of_a_table(each) for row in _differences(each, found))
    observed = f"{len(failing)} rows" if failing else "every column is there"
    return CheckResult(TABLE, CHECK, "blocking", not failing, observed, failing, WHAT_TO_DO, failed_count=len(failing))


def _is_of_a_table(agreed: Contract) -> bool:
    return agreed.query is None and agreed.table != "extract_state"


def _differences(agreed: Contract, found: dict[tuple[str, str], tuple[str, int | None]]) -> list[dict[str, Any]]:
    rows = []
    for column in agreed.columns:
        name = column.year_of or column.name
        there = found.get((agreed.table, name))
        if there is None or not _fits(column, *there):
            kind = "nothing" if there is None else there[0]
            rows.append({"table_name": agreed.table, "column": name, "contract": column.type, "postgresql": kind})
    return rows


def _fits(column: Column, kind: str, scale: int | None) -> bool:
    if column.pseudonym or column.year_of or column.type == "VARCHAR":
        return True
    if kind not in FITTING[column.type.split("(")[0]]:
        return False
    digits = re.search(r",\s*(\d+)\)", column.type)
    # more places than the contract keeps would be rounded away unseen
    return digits is None or scale is None or scale <= int(digits[1])
