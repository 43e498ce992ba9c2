"""What the warehouse says when PostgreSQL goes away at work, and that a failed transaction leaves nothing."""

from __future__ import annotations

import duckdb
import pytest

from ims.postgres import connect_databases, stop_server
from ims.settings import Settings
from warehouse.lake import LakeUnavailable, attach_source, connect
from warehouse.transactions import plain_errors, transaction


def test_a_server_that_stops_at_work_is_named_and_its_return_enough(tmp_path):
    settings = Settings(home=tmp_path / "own", _env_file=None)
    databases = connect_databases(settings)
    try:
        con = connect(databases, settings)
        con.execute("CREATE TABLE lake.marts.t AS SELECT 1 AS a")
        stop_server(settings)
        with pytest.raises(LakeUnavailable, match=r"PostgreSQL stopped answering.*run again"), transaction(con):
            con.execute("INSERT INTO lake.marts.t VALUES (2)")
        with pytest.raises(LakeUnavailable, match="cannot be read"):
            attach_source(con, databases.operational)
        connect_databases(settings)
        with transaction(con):
            con.execute("INSERT INTO lake.marts.t VALUES (3)")
        assert con.execute("SELECT a FROM lake.marts.t ORDER BY a").fetchall() == [(1,), (3,)]
        attach_source(con, databases.operational)
    finally:
        stop_server(settings)


def test_a_transaction_is_whole_or_nothing_and_other_errors_pass():
    con = duckdb.connect()
    con.execute("CREATE TABLE t (a INTEGER)")
    with pytest.raises(duckdb.ConversionException), transaction(con):
        con.execute("INSERT INTO t VALUES (1); SELECT CAST('x' AS INTEGER)")
    assert con.execute("SELECT count(*) FROM t").fetchone() == (0,)
    with pytest.raises(KeyError), plain_errors():
        raise KeyError("ours")
