"""A reader that is open while everything is read and built anew sees no error and no half-load."""

from __future__ import annotations

import threading

import psycopg
import pytest

from pipelines.extract import extract
from pipelines.held_back import hold_back
from pipelines.rebuild import Rebuild
from pipelines.transform import build_table
from warehouse.catalogue import catalogue
from warehouse.lake import connect, current_snapshot
from warehouse.metrics import Scope, query
from warehouse.transactions import reading
from warehouse.transformations import tables

METRICS = ("units_sold", "average_price")
ASKED = ("marts.fct_sales_daily", "marts.dim_date", "marts.dim_store", "marts.dim_product")
READ = "SELECT count(*), sum(net_qty), sum(net_amount) FROM lake.marts.fct_sales_daily"


def needed():
    """The tables that the questions read, and what these are built from, in build order."""
    names = {*ASKED, *(catalogue()[name].table for name in METRICS)}
    for each in reversed(tables()):
        names |= set(each.upstream) if each.full_name in names else set()
    return [each.full_name for each in tables() if each.full_name in names]


def build(lake, rebuild=None):
    (as_of,) = lake.execute("SELECT as_of FROM lake.raw.chain").fetchone()
    for name in needed():
        build_table(lake, name, as_of, rebuild)


def ask(con):
    """As a view asks: metrics of several tables, split, in the scope of a store."""
    scope = Scope(stores=frozenset({"S1"}))
    return query(con, METRICS, ["category", "month"], scope=scope).rows()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_reader_sees_one_state_while_everything_is_built_anew(installation, load):
    url = installation.databases.operational
    load(url)
    lake = connect(installation.databases, installation.settings)
    extract(lake, installation.databases)
    hold_back(lake)
    build(lake)

    def open_at(snapshot):
        return connect(installation.databases, installation.settings, snapshot=snapshot)

    before, answers = lake.execute(READ).fetchall(), {current_snapshot(lake): ask(lake)}
    served = [current_snapshot(lake)]  # as the pointer of what is published, which moves when a run has ended
    pinned = reading(open_at(served[0]))
    newest = connect(installation.databases, installation.settings, read_only=True)
    seen = {"raw": [], "view": [], "follower": []}
    stop = threading.Event()

    def follow():
        snapshot = served[-1]
        con = open_at(snapshot)
        try:
            return snapshot, ask(reading(con))
        finally:
            con.close()

    work = {
        "raw": lambda: newest.execute(READ).fetchall(),
        "view": lambda: ask(pinned),
        "follower": follow,
    }

    def keep_reading(name):  # with a pause, as people have: three readers at full speed would starve the build
        while not stop.is_set():
            try:
                seen[name].append(work[name]())
            except Exception as error:  # noqa: BLE001  (whatever it is, a reader must not see it)
                seen[name].append(error)
            stop.wait(0.05)

    threads = [threading.Thread(target=keep_reading, args=[name]) for name in work]
    for thread in threads:
        thread.start()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE daily_sales SET sold_qty = sold_qty + 1, net_amount = net_amount + 1")
    extract(lake, installation.databases, is_full=True)
    build(lake, Rebuild(is_full=True))
    answers[current_snapshot(lake)] = ask(lake)
    served.append(current_snapshot(lake))
    while seen["follower"][-1][0] != served[-1]:
        stop.wait(0.05)
    after = lake.execute(READ).fetchall()
    stop.set()
    for thread in threads:
        thread.join()
    assert before != after
    assert answers[served[0]] != answers[served[-1]]
    assert min(len(each) for each in seen.values()) > 3
    assert all(each in (before, after) for each in seen["raw"])
    assert all(each == answers[served[0]] for each in seen["view"])
    assert all(isinstance(each, tuple) and each[1] == answers[each[0]] for each in seen["follower"])
    for con in (pinned, newest, lake):
        con.close()
