"""The lake itself: created once by whoever comes first, pinned for readers, silent about passwords."""

from __future__ import annotations

import subprocess
import sys
import traceback
import uuid
from dataclasses import replace

import duckdb
import psycopg
import pytest

from warehouse.lake import INDEX, SCHEMAS, LakeUnavailable, connect, current_snapshot
from warehouse.stamps import stamp, table_stamps

OPEN = """
from ims.settings import get_settings
from warehouse.lake import connect
from warehouse.stamps import stamp, table_stamps
from ims.postgres import connect_databases
con = connect(connect_databases(get_settings()), get_settings())
con.execute("CREATE TABLE IF NOT EXISTS lake.outputs.t_{n} AS SELECT 1 AS a")
print(con.execute("SELECT count(*) FROM duckdb_schemas() WHERE database_name = 'lake'").fetchone()[0])
"""


def test_processes_that_create_the_lake_at_once_all_get_it(installation):
    started = [
        subprocess.Popen([sys.executable, "-c", OPEN.format(n=n)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for n in range(3)
    ]
    answers = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], answers
    assert {out.strip() for out, _ in answers} == {str(len(SCHEMAS) + 1).encode()}


def test_a_pinned_reader_is_unmoved_while_others_write(installation):
    databases, settings = installation.databases, installation.settings
    writer = connect(databases, settings)
    writer.execute("CREATE TABLE lake.marts.t AS SELECT * FROM range(1000) AS r (n)")
    pinned = current_snapshot(writer)
    reader = connect(databases, settings, snapshot=pinned)
    writer.execute("DELETE FROM lake.marts.t WHERE n >= 10")
    assert current_snapshot(writer) > pinned == current_snapshot(reader)
    count = "SELECT count(*) FROM lake.marts.t"
    assert reader.execute(count).fetchone() == (1000,)
    assert reader.cursor().execute(count).fetchone() == (1000,)
    assert writer.execute(count).fetchone() == (10,)
    assert (installation.home / "lake").is_dir()
    for con in (reader, connect(databases, settings, read_only=True)):
        with pytest.raises(duckdb.Error, match=r"(?i)read-only|read only|snapshot"):
            con.execute("DELETE FROM lake.marts.t")
    with pytest.raises(LakeUnavailable, match="snapshot 99"):
        connect(databases, settings, snapshot=99)


def test_the_engine_keeps_to_its_home_and_settings(installation):
    settings = installation.settings.model_copy(update={"threads": 1, "memory_limit": "500MB"})
    con = connect(installation.databases, settings)
    said = dict(con.execute("SELECT name, value FROM duckdb_settings()").fetchall())
    assert said["threads"] == "1"
    assert said["TimeZone"] == "UTC"
    assert said["autoinstall_known_extensions"] == "false"
    for name in ("temp_directory", "extension_directory", "secret_directory"):
        assert said[name].startswith(str(installation.home))
    assert not (installation.home / "duckdb" / "extensions").exists()  # loaded from the wheels, not installed


def test_building_a_table_leaves_nothing_behind_in_the_catalog(installation):
    con = connect(installation.databases, installation.settings)
    stamp(con, "marts.t", "first")
    tables_of_rows = "SELECT tablename FROM pg_tables WHERE tablename ~ 'inlined_data_[0-9]'"
    with psycopg.connect(installation.databases.lake, autocommit=True) as catalog:
        ((stamps,),) = catalog.execute(tables_of_rows).fetchall()
        for rows in (1, 1000):
            con.execute(f"CREATE OR REPLACE TABLE lake.marts.t AS SELECT * FROM range({rows}) AS r (n)")
            stamp(con, "marts.t", str(rows))
        assert catalog.execute(tables_of_rows).fetchall() == [(stamps,)]
    assert table_stamps(con) == {"marts.t": "1000"}


def test_a_lake_of_before_writes_packed_numbers_and_has_its_index_from_the_next_run_on(installation):
    connect(installation.databases, installation.settings).close()
    with psycopg.connect(installation.databases.lake, autocommit=True) as catalog:
        catalog.execute("DELETE FROM ducklake_metadata WHERE key LIKE 'parquet%'")
        catalog.execute(f"DROP INDEX {INDEX}")
    con = connect(installation.databases, installation.settings)
    con.execute("CREATE TABLE lake.marts.t AS SELECT 7 * n AS n FROM range(100000) AS r (n)")
    files = installation.home / "lake" / "marts" / "t" / "*.parquet"
    assert con.execute(f"SELECT DISTINCT encodings, compression FROM parquet_metadata('{files}')").fetchall() == [
        ("DELTA_BINARY_PACKED", "LZ4_RAW")
    ]
    with psycopg.connect(installation.databases.lake, autocommit=True) as catalog:
        assert catalog.execute("SELECT to_regclass(%s) IS NOT NULL", [INDEX]).fetchone() == (True,)


def test_a_lake_that_is_not_there_is_said_so(installation):
    with pytest.raises(LakeUnavailable, match="IMS_LAKE_DATABASE_URL"):
        connect(installation.databases, installation.settings, read_only=True)


def test_no_password_is_ever_shown(installation):
    secret = uuid.uuid4().hex
    lake = installation.databases.lake.replace("postgres@", f"postgres:{secret}@")
    assert secret in lake
    con = connect(replace(installation.databases, lake=lake), installation.settings)
    shown = con.execute("SELECT path FROM duckdb_databases()").fetchall()
    shown += con.execute("SELECT secret_string FROM duckdb_secrets()").fetchall()
    assert secret not in str(shown)
    nowhere = f"postgresql://me:{secret}@127.0.0.1:1/db"
    for options in ({}, {"read_only": True}):
        with pytest.raises(LakeUnavailable) as caught:
            connect(replace(installation.databases, lake=nowhere), installation.settings, **options)
        assert secret not in str(caught.value)
        assert secret not in "".join(traceback.format_exception(caught.value))
        assert "127.0.0.1" in str(caught.value)
