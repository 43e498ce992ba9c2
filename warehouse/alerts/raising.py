"""Raises the alerts of a run: the SELECTs beside this file together, ranked by store; what goes on keeps its name.

Reads marts, outputs and checks of the lake; writes nothing. Money is sales value: roles without costs see it too.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from warehouse.freshness import FAIL_DAYS, WARN_DAYS

if TYPE_CHECKING:
    import duckdb

FOLDER = Path(__file__).parent
PARTS = (
    "sales_off", "stock_out_ahead", "late_order", "forecast_bias", "data_failures", "data_held", "data_stale",
)  # fmt: skip
FAILURES: dict[str, type[pl.DataType]] = {
    "table_name": pl.String,
    "check_name": pl.String,
    "severity": pl.String,
    "what_to_do": pl.String,
    "store_code": pl.String,
    "failed_count": pl.Int64,
}
KNOWN: dict[str, type[pl.DataType]] = {
    "alert_ref": pl.String,
    "kind": pl.String,
    "store_code": pl.String,
    "subject": pl.String,
    "first_on": pl.Date,
}
# what went on since the run before keeps its first day, and with it its name; a run for a past day knows nothing of it
RAISE = """
WITH found AS ({found}),
dated AS (
    SELECT f.*, c.as_of, c.currency, CASE WHEN k.first_on <= c.as_of THEN k.first_on ELSE c.as_of END AS first_on
    FROM found AS f
    CROSS JOIN lake.staging.chain AS c
    LEFT JOIN known AS k
        ON k.kind = f.kind AND k.store_code IS NOT DISTINCT FROM f.store_code AND k.subject = f.subject
)
SELECT
    concat_ws(':', kind, coalesce(store_code, 'chain'), subject, first_on) AS alert_ref,
    as_of, kind, store_code, subject, title, detail, severity,
    CAST(at_stake_amount AS DECIMAL(14, 2)) AS at_stake_amount, currency, first_on,
    row_number() OVER (
        PARTITION BY store_code ORDER BY CAST(at_stake_amount AS DECIMAL(14, 2)) DESC, severity, kind, subject
    ) AS rank_in_store,
    view, CAST(filters AS VARCHAR) AS filters
FROM dated
ORDER BY store_code NULLS FIRST, rank_in_store
"""


def raise_alerts(
    con: duckdb.DuckDBPyConnection, failures: pl.DataFrame, known: pl.DataFrame | None = None
) -> pl.DataFrame:
    """One row per alert, as outputs.alerts has them.

    `failures` (FAILURES) are the checks that failed, by store; `known` (KNOWN among others) what the run before raised.
    """
    con.register("failures", pl.DataFrame(schema=FAILURES) if failures.is_empty() else failures)
    con.register("known", pl.DataFrame(schema=KNOWN) if known is None else known.select(list(KNOWN)))
    try:
        con.execute(f"SET VARIABLE warn_days = {WARN_DAYS}")
        con.execute(f"SET VARIABLE fail_days = {FAIL_DAYS}")
        con.execute(f"CREATE OR REPLACE TEMP VIEW demand_days AS {_read('demand_days')}")
        found = " UNION ALL BY NAME ".join(f"({_read(part)})" for part in PARTS)
        return con.execute(RAISE.format(found=found)).pl()
    finally:
        con.execute("DROP VIEW IF EXISTS temp.demand_days")
        con.unregister("failures")
        con.unregister("known")


@cache
def tables_read() -> tuple[str, ...]:
    """The tables of the lake that the SELECTs read, sorted."""
    from warehouse.transformations import read_select

    parts = ("demand_days", *PARTS)
    return tuple(sorted({name for part in parts for name in read_select("outputs", part, _read(part)).upstream}))


@cache
def _read(part: str) -> str:
    return (FOLDER / f"{part}.sql").read_text(encoding="utf-8")
