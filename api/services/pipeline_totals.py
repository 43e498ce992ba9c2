"""How the newest run ended and what it found, for `/metrics`."""

from __future__ import annotations

from typing import Any

import psycopg

# One row per figure and label. A run that published nothing tells nothing of the lake and the forecasts: the newest
# that did stands.
TOTALS = """
WITH newest AS (
    SELECT run_id, state, started_at, finished_at FROM runs
     WHERE finished_at IS NOT NULL ORDER BY finished_at DESC, run_id LIMIT 1
), told AS (
    SELECT figures FROM runs WHERE figures <> '{}' ORDER BY started_at DESC, run_id LIMIT 1
)
SELECT 'run_age_seconds', '', extract(epoch FROM now() - finished_at)::float FROM newest
UNION ALL
SELECT 'run_seconds', '', extract(epoch FROM finished_at - started_at)::float FROM newest
UNION ALL
SELECT 'run_state', each.state, (newest.state = each.state)::int::float
  FROM newest, unnest(ARRAY['published', 'unchanged', 'blocked', 'failed']) AS each (state)
UNION ALL
SELECT 'checks_failed', each.severity, count(c.check_result_id)::float
  FROM newest CROSS JOIN unnest(ARRAY['blocking', 'warning', 'info']) AS each (severity)
  LEFT JOIN check_results AS c ON c.run_id = newest.run_id AND c.severity = each.severity AND c.state = 'failed'
 GROUP BY each.severity
UNION ALL
SELECT name, '', value::float FROM told, jsonb_each_text(figures) AS f (name, value) WHERE name <> 'forecast_alerts'
UNION ALL
SELECT 'forecast_alerts', name, value::float FROM told, jsonb_each_text(figures -> 'forecast_alerts') AS a (name, value)
"""


async def read_pipeline(connection: psycopg.AsyncConnection[Any]) -> list[tuple[str, str, float]]:
    """(figure, label or nothing, value): none before the first run ended."""
    return await (await connection.execute(TOTALS)).fetchall()
