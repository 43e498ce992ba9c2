"""Building: a table is built when something it depends on changed, and only then."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import psycopg
import pytest

import pipelines.transform as transform
from pipelines.builder import NotBuilt
from pipelines.extract import extract
from pipelines.transform import build_table, is_current
from warehouse.lake import connect, current_snapshot
from warehouse.transformations import table

DAY = dt.date(2024, 5, 15)
CLOSURE = ("staging.chain", "staging.stores", "marts.dim_store")


@pytest.fixture
def lake(installation):
    with psycopg.connect(installation.databases.operational, autocommit=True) as source:
        source.execute(
            "INSERT INTO chain (name, currency, timezone, as_of, sales_grain, unmet_demand)"
            " VALUES ('c', 'EUR', 'UTC', '2024-05-15', 'day', 'lost')"
        )
        source.execute("INSERT INTO stores (store_code, name, closed_on) VALUES ('S', 's', '2024-05-20')")
    opened = connect(installation.databases, installation.settings)
    extract(opened, installation.databases)
    yield opened
    opened.close()


def build(lake, as_of=DAY):
    """The tables of the closure that were built anew."""
    stale = []
    for name in CLOSURE:
        if not is_current(lake, name, as_of):
            stale.append(name)
        build_table(lake, name, as_of)
    return stale


def test_a_table_is_built_when_what_it_depends_on_changed(installation, lake, monkeypatch):
    with pytest.raises(NotBuilt, match=r"staging\.chain, staging\.stores"):
        build_table(lake, "marts.dim_store", DAY)
    assert build(lake) == list(CLOSURE)
    assert lake.execute("SELECT store_code, is_open FROM lake.marts.dim_store").fetchall() == [("S", True)]
    stands = current_snapshot(lake)
    assert build(lake) == []
    assert current_snapshot(lake) == stands

    assert build(lake, dt.date(2024, 5, 20)) == ["staging.chain", "marts.dim_store"]
    assert lake.execute("SELECT store_code, is_open FROM lake.marts.dim_store").fetchall() == [("S", False)]
    build(lake)

    with psycopg.connect(installation.databases.operational, autocommit=True) as source:
        source.execute("UPDATE stores SET name = 'new'")
    extract(lake, installation.databases)
    assert build(lake) == ["staging.stores", "marts.dim_store"]

    edited = replace(table("staging.stores"), sql=table("staging.stores").sql + "WHERE TRUE")
    monkeypatch.setattr(transform, "table", lambda name: edited if name == "staging.stores" else table(name))
    assert build(lake) == ["staging.stores", "marts.dim_store"]


def test_a_build_that_breaks_leaves_the_table_as_it_was(lake, monkeypatch):
    build(lake)
    before = lake.execute("FROM lake.staging.stores").fetchall()
    broken = replace(table("staging.stores"), sql="SELECT error('broken') FROM raw.stores")
    monkeypatch.setattr(transform, "table", lambda name: broken)
    with pytest.raises(Exception, match="broken"):
        build_table(lake, "staging.stores", DAY)
    assert lake.execute("FROM lake.staging.stores").fetchall() == before
