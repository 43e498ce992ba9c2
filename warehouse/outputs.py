"""Reads what models left in `lake.outputs`, for people: how forecasts did, and what replays said.

Tables of the whole chain. Money of a replay is cost: whoever may not see costs asks `sees_cost=False`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    import duckdb

Name = Literal[
    "alerts",
    "champions",
    "trials",
    "models",
    "accuracy",
    "replays",
    "replay_means",
    "ablation",
    "decisions",
    "lost_sales",
]
QUERIES: dict[Name, str] = {
    # One row per segment and thing that is wrong with its forecasts
    "alerts": "SELECT * FROM lake.outputs.forecast_alerts ORDER BY segment <> 'all', segment, alert",
    # One row per segment: who forecasts it
    "champions": "SELECT * FROM lake.outputs.forecast_champions ORDER BY trial_rows DESC, segment",
    # One row: what the chosen methods lost in their trials beside the best of the others; none without trials
    "trials": "SELECT count(*) AS kinds, count(*) FILTER (champion_loss <= rival_loss) AS kept, "
    "max(origins) AS origins, sum(trial_rows)::BIGINT AS runs, "
    "sum(champion_loss * trial_rows) / nullif(sum(rival_loss * trial_rows), 0) AS ratio "
    "FROM lake.outputs.forecast_champions HAVING count(*) > 0",
    # One row per version of a forecast, the newest first
    "models": "SELECT version, as_of, snapshot_id, trained_from_on, trained_until_on, series_count, observed_weeks, "
    "horizon_weeks, card FROM lake.outputs.forecast_models ORDER BY as_of DESC, version",
    # One row per segment and week that came: errors relative to what was asked for
    "accuracy": "SELECT segment, week_starting_on, row_count, demand_qty, mean_qty, bias_ratio, p90_cover_share, "
    "absolute_error_qty / nullif(demand_qty, 0) AS error_ratio, "
    "baseline_error_qty / nullif(demand_qty, 0) AS baseline_ratio "
    "FROM lake.outputs.forecast_monitor ORDER BY segment <> 'all', segment, week_starting_on",
    # One row per replayed window, start, policy and segment
    "replays": "SELECT * FROM lake.outputs.backtest "
    "ORDER BY starts_from, segment_by, segment, policy, window_starts_on",
    # One row per start, segment and policy: the mean of the scored windows
    "replay_means": "SELECT starts_from, segment_by, segment, policy, count(*) AS windows, avg(ratio) AS ratio, "
    "count(*) FILTER (ratio < 1) AS won, avg(fill_rate) AS fill_rate, avg(stock_qty) AS stock_qty, avg(cost) AS cost "
    "FROM lake.outputs.backtest WHERE is_scored GROUP BY ALL ORDER BY starts_from, segment_by, segment, avg(ratio)",
    # One row per ingredient of ours
    "ablation": "SELECT * FROM lake.outputs.backtest_ablation ORDER BY buys DESC",
    # One row per reason why somebody decided otherwise
    "decisions": "SELECT coalesce(decision_code, state) AS why, count(*) AS decisions, "
    "count(*) FILTER (saved_cost > 0) AS better, count(*) FILTER (saved_cost < 0) AS worse, "
    "sum(saved_cost) AS saved_cost FROM lake.outputs.backtest_edits WHERE decided_qty <> suggested_qty "
    "GROUP BY ALL ORDER BY decisions DESC, why",
    # One row per category, and one for all
    "lost_sales": "SELECT * FROM lake.outputs.backtest_lost_sales ORDER BY category <> 'all', category",
}


def read_output(con: duckdb.DuckDBPyConnection, name: Name, *, sees_cost: bool) -> pl.DataFrame | None:
    """The rows, without money where costs are hidden; None where nothing of the kind was ever written."""
    import duckdb

    try:
        frame = con.execute(QUERIES[name]).pl()
    except duckdb.CatalogException:
        return None
    hidden = [] if sees_cost else [column for column in frame.columns if "cost" in column or column == "stock_value"]
    return frame.drop(hidden)
