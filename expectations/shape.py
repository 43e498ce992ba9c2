"""Checks that follow from a table's contract alone: its columns and types, its key, what may be null, what a share is.

Reads warehouse.contracts. What the business demands on top is in rules/.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from expectations.check import Check

if TYPE_CHECKING:
    from warehouse.contracts import Column, Contract

DEFECT = "This is a defect of the transformation, not of the data: report it with the sample."


def shape_checks(agreed: Contract) -> list[Check]:
    """Columns and types, key, not-null and share checks of one contract; all of them block."""
    name = agreed.name
    checks = [Check(name, "columns_match_the_contract", "blocking", _columns_differ(agreed), DEFECT)]
    if agreed.keys:
        checks.append(Check(name, "key_is_unique", "blocking", _key_is_doubled(agreed), DEFECT))
    required = [column.name for column in agreed.columns if not column.nullable]
    if required:
        breaks = " OR ".join(f"{column} IS NULL" for column in required)
        checks.append(_of_rows(name, "required_values_are_given", breaks, DEFECT))
    for column in agreed.columns:
        if column.name.endswith("_share"):
            checks.append(between(name, f"{column.name}_is_a_share", column.name, 0, 1, DEFECT))
    return [replace(check, is_derived=True) for check in checks]


def between(table: str, name: str, column: str, low: float | None, high: float | None, what_to_do: str) -> Check:
    """Every value of the column lies in the closed range; a bound of None is no bound."""
    breaks = [f"{column} < {low}" if low is not None else "", f"{column} > {high}" if high is not None else ""]
    arguments = {"column": column, "min_value": low, "max_value": high}
    check = _of_rows(table, name, " OR ".join(filter(None, breaks)), what_to_do)
    return replace(check, expectation="ExpectColumnValuesToBeBetween", arguments=arguments)


def _of_rows(table: str, name: str, breaks: str, what_to_do: str) -> Check:
    return Check(table, name, "blocking", f"SELECT * FROM batch WHERE {breaks}", what_to_do, breaks=breaks)


def _columns_differ(agreed: Contract) -> str:
    stated = ", ".join(f"('{column.name}', '{_spelled(column)}')" for column in agreed.columns)
    return (
        "SELECT column_name, stated.type AS stated_type, found.column_type AS found_type "
        f"FROM (VALUES {stated}) AS stated (column_name, type) "
        "FULL JOIN (DESCRIBE FROM batch) AS found USING (column_name) "
        "WHERE stated.type IS DISTINCT FROM found.column_type"
    )


def _key_is_doubled(agreed: Contract) -> str:
    key = ", ".join(agreed.keys)
    return f"SELECT {key}, count(*) AS row_count FROM batch GROUP BY ALL HAVING count(*) > 1"


def _spelled(column: Column) -> str:
    return column.type.upper().replace(", ", ",")
