"""A reader that is open while everything is read and built anew sees no error and no half-load."""

from __future__ import annotations

import threading

import psycopg
import pytest

from pipelines.extract import extract
from pipelines.held_back import hold_back
from pipelines.rebuild import Rebuild
from pipelines.transform import build_table
from warehouse.lake import connect, current_snapshot

TABLES = ("staging.chain", "staging.products", "staging.sales", "marts.fct_sales_daily")
READ = "SELECT count(*), sum(net_qty), sum(net_amount) FROM lake.marts.fct_sales_daily"


def build(lake, rebuild=None):
    (as_of,) = lake.execute("SELECT as_of FROM lake.raw.chain").fetchone()
    for name in TABLES:
        build_table(lake, name, as_of, rebuild)


@pytest.mark.timeout(300)
def test_a_reader_sees_one_state_while_everything_is_built_anew(installation, load):
    url = installation.databases.operational
    load(url)
    lake = connect(installation.databases, installation.settings)
    extract(lake, installation.databases)
    hold_back(lake)
    build(lake)
    before = lake.execute(READ).fetchall()
    readers = {
        "pinned": connect(installation.databases, installation.settings, snapshot=current_snapshot(lake)),
        "newest": connect(installation.databases, installation.settings, read_only=True),
    }
    seen = {name: [] for name in readers}
    stop = threading.Event()

    def keep_reading(name, con):
        while not stop.is_set():
            try:
                seen[name].append(con.execute(READ).fetchall())
            except Exception as error:  # noqa: BLE001  (whatever it is, a reader must not see it)
                seen[name].append(error)

    threads = [threading.Thread(target=keep_reading, args=each) for each in readers.items()]
    for thread in threads:
        thread.start()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE daily_sales SET sold_qty = sold_qty + 1, net_amount = net_amount + 1")
    for _ in range(3):
        extract(lake, installation.databases, is_full=True)
        build(lake, Rebuild(is_full=True))
    after = lake.execute(READ).fetchall()
    stop.set()
    for thread in threads:
        thread.join()
    assert before != after
    assert len(seen["pinned"]) > 3
    assert all(each == before for each in seen["pinned"])
    assert all(each in (before, after) for each in seen["newest"])
    for con in (*readers.values(), lake):
        con.close()
