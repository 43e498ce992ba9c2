"""A reader whose PostgreSQL goes away gets an error, and its process lives on: the engine alone would end it."""

from __future__ import annotations

import subprocess
import sys

READER = """
import gc
from pathlib import Path
import duckdb
from ims.postgres import connect_databases, stop_server
from ims.settings import Settings
from warehouse.lake import connect, current_snapshot
from warehouse.transactions import reading

settings = Settings(home=Path("home"), _env_file=None)
databases = connect_databases(settings)
lake = connect(databases, settings)
lake.execute("CREATE TABLE lake.marts.t AS SELECT 1 AS a")
pinned = connect(databases, settings, snapshot=current_snapshot(lake))
lake.close()
asked, idle = reading(pinned), reading(pinned)
assert idle.execute("FROM lake.marts.t").fetchall() == [(1,)]
stop_server(settings)
try:
    asked.execute("FROM lake.marts.t").fetchall()
except duckdb.Error:
    print("refused")
del asked, idle
gc.collect()
print("lives")
"""


def test_a_lost_server_ends_no_process(tmp_path, monkeypatch):
    for name in ("IMS_DATABASE_URL", "IMS_LAKE_DATABASE_URL", "IMS_DAGSTER_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    ended = subprocess.run([sys.executable, "-c", READER], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (ended.stdout.split(), ended.returncode) == (["refused", "lives"], 0), ended.stderr
