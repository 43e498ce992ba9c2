"""PostgreSQL against the contracts: as it is it fits; a column that left or is of another kind is told by name."""

from __future__ import annotations

import psycopg
import pytest

from expectations.source import check_source


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("ALTER TABLE vendors RENAME vendor_code TO code", ("vendors", "vendor_code", "nothing")),
        ("ALTER TABLE walk_in_counts ALTER counted_on TYPE text", ("walk_in_counts", "counted_on", "text")),
        ("ALTER TABLE payments ALTER amount TYPE numeric(14,4)", ("payments", "amount", "numeric")),
        ("ALTER TABLE vendors ADD colour text", None),
    ],
)  # fmt: skip
def test_what_no_longer_fits_is_named(installation, statement: str, found: tuple[str, ...] | None) -> None:
    with psycopg.connect(installation.databases.operational) as connection:
        assert check_source(connection).passed
        connection.execute(statement)
        result = check_source(connection)
        assert result.is_blocking == (found is not None)
        rows = [(row["table_name"], row["column"], row["postgresql"]) for row in result.failed_rows]
        assert rows == ([found] if found else [])
        connection.rollback()
