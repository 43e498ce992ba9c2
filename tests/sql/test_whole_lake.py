"""A lake whose files and catalog do not stand together is told so, by file; one that does is read to its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.lake import connect, current_snapshot
from warehouse.whole import verify_lake


@pytest.fixture
def snapshot(installation) -> int:
    con = connect(installation.databases, installation.settings)
    con.execute("CREATE TABLE lake.marts.one AS SELECT n, 'word ' || n AS word FROM range(20000) AS r (n)")
    con.execute("DELETE FROM lake.marts.one WHERE n < 10")
    found = current_snapshot(con)
    con.close()
    return found


def largest(installation) -> Path:
    files = Path(installation.settings.lake_data_path).rglob("*.parquet")
    return max(files, key=lambda each: each.stat().st_size)


def test_a_whole_lake_is_read_to_its_end(installation, snapshot: int) -> None:
    found = verify_lake(installation.databases, installation.settings, snapshot)
    assert (found.rows, found.faults) == (19_990, [])
    assert found.files == len(list(Path(installation.settings.lake_data_path).rglob("*.parquet"))) >= 2


def test_a_file_that_is_missing_or_short_is_named(installation, snapshot: int) -> None:
    path = largest(installation)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert "bytes, the catalog says" in verify_lake(installation.databases, installation.settings, snapshot).faults[0]
    path.unlink()
    assert verify_lake(installation.databases, installation.settings, snapshot).faults == [f"{path} is missing"]


def test_a_file_that_is_no_parquet_any_more_is_found_by_reading(installation, snapshot: int) -> None:
    path = largest(installation)
    path.write_bytes(bytes(path.stat().st_size))
    found = verify_lake(installation.databases, installation.settings, snapshot)
    assert [fault.split(" cannot")[0] for fault in found.faults] == ["marts.one"]
    assert verify_lake(installation.databases, installation.settings, snapshot, is_read=False).faults == []
