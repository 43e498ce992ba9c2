"""The copy of what is published: it holds what the lake holds, is asked as soon as it is there, and leaves no file."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import threading
import time
from pathlib import Path

import pytest
import streamlit as st

import dashboards
from dashboards import copies, reader
from warehouse.copied import ALSO, SCHEMAS, open_copy
from warehouse.lake import connect

NAMED = re.compile(r"lake\.((?:raw|staging)\.\w+)")


def test_the_copy_holds_what_readers_ask_of_the_lake(world) -> None:
    databases, settings = world.installation.databases, world.installation.settings
    copy = open_copy(databases, settings, world.snapshot_id)
    assert copy is not None
    lake = connect(databases, settings, snapshot=world.snapshot_id)
    tables = "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'lake' ORDER BY 1"
    copied = [name for (name,) in copy.execute(tables).fetchall()]
    there = [name for (name,) in lake.execute(tables).fetchall()]
    assert copied == [name for name in there if name.partition(".")[0] in SCHEMAS or name in ALSO]
    for name in copied:
        of_all = f"SELECT count(*), bit_xor(hash(COLUMNS(*)::VARCHAR)) FROM lake.{name}"
        assert copy.execute(of_all).fetchall() == lake.execute(of_all).fetchall(), name
    lake.close()
    assert not list((settings.home / "duckdb").glob("copy-*"))
    copy.close()


def test_nothing_else_of_the_lake_is_named_where_pages_read() -> None:
    folder = Path(dashboards.__file__).parent
    read = [*folder.rglob("*.py"), folder.parent / "warehouse/season.py", folder.parent / "warehouse/set_aside.py"]
    assert {name for path in read for name in NAMED.findall(path.read_text(encoding="utf-8"))} <= set(ALSO)


def test_pages_ask_the_copy_once_it_is_there(world, site, monkeypatch: pytest.MonkeyPatch) -> None:
    databases, settings = world.installation.databases, world.installation.settings
    monkeypatch.setattr(st, "secrets", {"databases": dataclasses.asdict(databases)})
    kind = "SELECT type FROM duckdb_databases() WHERE database_name = 'lake'"
    assert reader.lake_at(world.snapshot_id).execute(kind).fetchone() == ("ducklake",)
    copies.look(databases, settings)
    reader._held.cursor = None  # another page
    assert reader.lake_at(world.snapshot_id).execute(kind).fetchone() == ("duckdb",)
    kept = copies.copy_of(databases.lake, world.snapshot_id)
    copies.look(databases, settings)
    assert copies.copy_of(databases.lake, world.snapshot_id) is kept


def test_what_comes_after_a_copy_comes_once(world) -> None:
    databases, settings = world.installation.databases, world.installation.settings
    done: list[bool] = []
    copies.let_go()

    async def serve() -> None:
        async with copies.copying(databases, settings, lambda ended: done.append(ended.is_set())):
            async with asyncio.timeout(60):
                while not done:
                    await asyncio.sleep(0.05)
        async with copies.copying(databases, settings, lambda ended: done.append(ended.is_set())):
            await asyncio.sleep(1)

    asyncio.run(serve())
    assert done == [False]


def test_a_copy_that_nobody_waits_for_any_more_is_given_up(world) -> None:
    ended = threading.Event()
    ended.set()
    settings = world.installation.settings
    assert open_copy(world.installation.databases, settings, world.snapshot_id, ended) is None
    assert not list((settings.home / "duckdb").glob("copy-*"))


def test_an_encrypted_lake_is_not_copied(installation) -> None:
    settings = installation.settings.model_copy(update={"lake_encrypted": True})
    con = connect(installation.databases, settings)
    con.execute("CREATE TABLE lake.marts.word AS SELECT 'legible' AS word")
    (snapshot,) = con.execute("SELECT id FROM ducklake_current_snapshot('lake')").fetchall()[0]
    con.close()
    # whoever reads it may not know
    assert open_copy(installation.databases, installation.settings, snapshot) is None
    assert not list((settings.home / "duckdb").glob("copy-*"))


def test_what_a_killed_process_left_is_removed_and_what_another_writes_is_not(world) -> None:
    folder = world.installation.settings.home / "duckdb"
    left, written = folder / "copy-1-1.duckdb", folder / "copy-2-1.duckdb.wal"
    for path in (left, written):
        path.write_bytes(b"")
    an_hour_ago = time.time() - 3700
    os.utime(left, (an_hour_ago, an_hour_ago))
    copy = open_copy(world.installation.databases, world.installation.settings, world.snapshot_id)
    assert (left.exists(), written.exists()) == (False, True)
    assert copy is not None
    copy.close()
