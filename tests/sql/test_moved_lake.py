"""A home that is moved or copied as a whole opens where it is; a lake that is not whole there does not."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import psycopg
import pytest

from warehouse.lake import LakeUnavailable, connect, current_snapshot
from warehouse.moved import LakeElsewhere, name_anew


@pytest.fixture
def elsewhere(installation, tmp_path: Path):
    """The settings of a copy of the home, whose catalog, which the tests' server holds, counts as the home's own."""
    con = connect(installation.databases, installation.settings)
    con.execute("CREATE TABLE lake.marts.one AS SELECT * FROM range(1000) AS r (n)")
    con.close()
    home = tmp_path / "elsewhere"
    shutil.copytree(installation.home, home)
    return installation.settings.model_copy(update={"home": home, "database_url": None, "lake_database_url": None})


def recorded(installation) -> str:
    with psycopg.connect(installation.databases.lake) as catalog:
        row = catalog.execute("SELECT value FROM ducklake_metadata WHERE key = 'data_path'").fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("is_read_only", [False, True])
def test_a_home_that_was_moved_opens_where_it_is_and_says_so(installation, elsewhere, is_read_only, caplog):
    shutil.rmtree(installation.home / "lake")
    with caplog.at_level(logging.WARNING):
        con = connect(installation.databases, elsewhere, read_only=is_read_only)
    assert con.execute("SELECT count(*), sum(n) FROM lake.marts.one").fetchall() == [(1000, 499_500)]
    assert recorded(installation) == f"{elsewhere.home}/lake/"
    assert [record.name for record in caplog.records] == ["warehouse.moved"]
    con = connect(installation.databases, elsewhere, snapshot=current_snapshot(con))
    assert con.execute("SELECT count(*) FROM lake.marts.one").fetchall() == [(1000,)]
    assert len(caplog.records) == 1


def test_a_copy_whose_original_is_still_there_reads_and_writes_its_own_files(installation, elsewhere):
    files = set((installation.home / "lake").rglob("*.parquet"))
    connect(installation.databases, elsewhere).execute("CREATE TABLE lake.marts.two AS SELECT 1 AS n")
    assert set((installation.home / "lake").rglob("*.parquet")) == files
    assert list((elsewhere.home / "lake" / "marts" / "two").glob("*.parquet"))


def test_a_copy_that_lacks_a_file_does_not_open_and_names_it(installation, elsewhere):
    before = recorded(installation)
    (lost,) = (elsewhere.home / "lake" / "marts" / "one").glob("*.parquet")
    lost.unlink()
    with pytest.raises(LakeUnavailable, match=f"{lost.name} is missing"):
        connect(installation.databases, elsewhere)
    assert recorded(installation) == before


@pytest.mark.parametrize("ours", ["database_url", "lake_database_url", "lake_path"])
def test_what_may_be_shared_with_others_is_never_named_anew_by_itself(installation, elsewhere, ours):
    given = {
        "database_url": installation.settings.database_url,
        "lake_database_url": installation.settings.database_url,
    }
    settings = elsewhere.model_copy(update={ours: given.get(ours, str(elsewhere.home / "lake"))})
    before = recorded(installation)
    with pytest.raises(LakeUnavailable, match="ims lake moved"):
        connect(installation.databases, settings)
    assert recorded(installation) == before
    assert name_anew(installation.databases.lake, settings) == before
    assert name_anew(installation.databases.lake, settings) is None
    connect(installation.databases, settings).close()


def test_an_object_store_is_not_moved_by_naming_it(installation, elsewhere):
    with pytest.raises(LakeElsewhere, match="object store"):
        name_anew(installation.databases.lake, elsewhere.model_copy(update={"lake_path": "s3://bucket/lake"}))
    with psycopg.connect(installation.databases.lake) as catalog:
        catalog.execute("UPDATE ducklake_metadata SET value = 's3://bucket/lake/' WHERE key = 'data_path'")
    with pytest.raises(LakeUnavailable, match="object store"):
        connect(installation.databases, elsewhere)
