"""A sound lake of one store and product, without the constraints that would keep a test from breaking it.

`cases/<schema>.<table>.toml` gives a table's `rows` (what a column is not given is filled in where it may not be null),
or an `insert` of many, and under `breaks` for each rule of the table the statement that makes the lake break it.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.contracts import Contract, contracts
from warehouse.lake import SCHEMAS

CASES: dict[str, dict[str, Any]] = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).with_name("cases").glob("*.toml"))
}
FILLED = {
    "VARCHAR": "x", "BIGINT": 1, "INTEGER": 1, "DOUBLE": 1.0, "BOOLEAN": True, "DATE": "2024-04-15", "VARCHAR[]": [],
    "INTEGER[]": [],
    "TIMESTAMP WITH TIME ZONE": "2024-04-15 10:00:00Z",
}  # fmt: skip
BREAKS = {
    (table, rule): statement for table, case in CASES.items() for rule, statement in case.get("breaks", {}).items()
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `table` and `rule` is run for every rule that has a failing case."""
    if {"table", "rule"} <= set(metafunc.fixturenames):
        metafunc.parametrize(("table", "rule"), BREAKS, ids=lambda value: value)


@pytest.fixture
def breaks() -> dict[tuple[str, str], str]:
    """For each table and rule the statement that breaks it; {table} is the rule's own table."""
    return BREAKS


@pytest.fixture(scope="session")
def sound_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the sound lake, to be copied."""
    path = tmp_path_factory.mktemp("sound") / "lake.duckdb"
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{path}' AS lake")
        for schema in SCHEMAS:
            con.execute(f"CREATE SCHEMA lake.{schema}")
        for agreed in contracts():
            columns = ", ".join(f"{column.name} {column.type}" for column in agreed.columns)
            con.execute(f"CREATE TABLE lake.{agreed.name} ({columns})")
            case = CASES.get(agreed.name, {})
            for row in case.get("rows", []):
                add_row(con, agreed, row)
            if "insert" in case:
                con.execute(case["insert"])
    return path


def add_row(con: duckdb.DuckDBPyConnection, agreed: Contract, row: dict[str, Any]) -> None:
    """One row; a column that is not there is a mistake of the case."""
    assert set(row) <= set(agreed.column_names), f"{agreed.name} has no {set(row) - set(agreed.column_names)}"
    values = {c.name: row.get(c.name, FILLED.get(c.type, 1)) for c in agreed.columns if c.name in row or not c.nullable}
    marks = ", ".join("?" for _ in values)
    con.execute(f"INSERT INTO lake.{agreed.name} ({', '.join(values)}) VALUES ({marks})", [*values.values()])


@pytest.fixture
def con(sound_lake: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A sound lake of its own."""
    copied = shutil.copy(sound_lake, tmp_path / "lake.duckdb")
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        opened.execute(f"ATTACH '{copied}' AS lake")
        yield opened
