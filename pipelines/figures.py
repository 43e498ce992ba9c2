"""What a published run leaves for monitoring: the size of the lake, and how many forecasts fell back or went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.forecast.monitor import ALERTS
from models.forecast.trials import MODEL

if TYPE_CHECKING:
    import duckdb

LAKE = "SELECT sum(file_count)::BIGINT, sum(file_size_bytes)::BIGINT FROM ducklake_table_info('lake')"
# what the chain's own models made, in the week that the forecast begins with
FORECASTS = """
SELECT count(*), count(*) FILTER (method NOT IN (?, 'discontinued')) FROM lake.outputs.forecast_weekly
WHERE week_starting_on = (SELECT min(week_starting_on) FROM lake.outputs.forecast_weekly)
"""
ALERTED = "SELECT alert, count(*) FROM lake.outputs.forecast_alerts GROUP BY alert"

Figures = dict[str, int | dict[str, int]]


def read_figures(con: duckdb.DuckDBPyConnection) -> Figures:
    """lake_files, lake_bytes, forecast_pairs, forecast_fallbacks, and forecast_alerts by kind, those of 0, too."""
    files, size = con.execute(LAKE).fetchall()[0]
    pairs, fallbacks = con.execute(FORECASTS, [MODEL]).fetchall()[0]
    return {
        "lake_files": files or 0,
        "lake_bytes": size or 0,
        "forecast_pairs": pairs,
        "forecast_fallbacks": fallbacks,
        "forecast_alerts": dict.fromkeys(ALERTS, 0) | dict(con.execute(ALERTED).fetchall()),
    }
