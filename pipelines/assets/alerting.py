"""What a run raises for people to look at, once all that it built has been checked.

Calls warehouse/alerts and computes nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import psycopg

from api.findings import failures_by_store
from pipelines.frames import read_output
from warehouse.alerts.raising import FAILURES, raise_alerts

if TYPE_CHECKING:
    from pipelines.session import RunSession


def make_alerts(session: RunSession) -> pl.DataFrame:
    """Sales off, stock-outs ahead, late orders, biased forecasts and data problems, by the sales value at stake."""
    with psycopg.connect(session.databases.operational) as connection:
        failed = failures_by_store(connection, session.run_id)
    failures = pl.DataFrame(failed, schema=FAILURES)
    return raise_alerts(session.con, failures, read_output(session.con, "alerts"))
