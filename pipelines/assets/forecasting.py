"""What the group forecast writes: the published weeks, what came of earlier ones, champions, registry, monitoring.

Calls models/forecast and computes nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.forecast.champion import CHAMPION_SCHEMA
from models.forecast.monitor import monitor_forecasts, raise_alerts
from models.forecast.registry import register_forecast
from models.forecast.scores import keep_forecast, score_forecasts
from models.forecast.totals import total_forecasts
from models.forecast.weekly import forecast_weekly
from pipelines.assets.kept import kept_forecast, kept_frame
from pipelines.frames import read_output

if TYPE_CHECKING:
    from pipelines.session import RunSession

# output -> what it is made after, in flow order
FORECAST_OUTPUTS = {
    "forecast_weekly": [
        "marts.fct_demand_weekly",
        "marts.dim_assortment",
        "marts.dim_festival",
        "marts.dim_price",
        "marts.dim_product",
        "marts.dim_store",
        "marts.dim_successor",
        "marts.fct_power_grid",
        "marts.fct_sales_lines",
    ],
    "forecast_totals": ["outputs.forecast_weekly", "marts.dim_assortment"],
    "forecast_models": ["outputs.forecast_weekly"],
    "forecast_champions": ["outputs.forecast_models"],
    "forecast_kept": ["outputs.forecast_weekly"],
    "forecast_scores": ["outputs.forecast_kept", "marts.fct_demand_weekly"],
    "forecast_monitor": ["outputs.forecast_scores", "outputs.forecast_weekly"],
    "forecast_alerts": ["outputs.forecast_monitor", "outputs.forecast_champions"],
}


def make_forecast(session: RunSession) -> pl.DataFrame:
    """Weekly distributions for every pair of the catalog."""
    return forecast_weekly(kept_forecast(session), session.as_of)


def total_up(session: RunSession) -> pl.DataFrame:
    """The published weeks summed to store and category, category, store and chain."""
    weekly = read_output(session.con, "forecast_weekly")
    assert weekly is not None, "made by the step before"
    return total_forecasts(kept_forecast(session), weekly, kept_frame(session, "catalog"), session.as_of)


def register_model(session: RunSession) -> pl.DataFrame:
    """The registry with this run's forecast in it."""
    from pipelines.fingerprint import code_version

    weekly = read_output(session.con, "forecast_weekly")
    assert weekly is not None, "made by the step before"
    return register_forecast(
        kept_forecast(session),
        weekly,
        kept_frame(session, "demand"),
        session.as_of,
        session.kept["forecast_snapshot"],
        code_version(),
        read_output(session.con, "forecast_models"),
    )


def keep_champions(session: RunSession) -> pl.DataFrame:
    """Who forecasts each segment, and why."""
    chosen = kept_forecast(session).champions
    return pl.DataFrame(schema=CHAMPION_SCHEMA) if chosen is None else chosen


def keep_this_forecast(session: RunSession) -> pl.DataFrame:
    """The forecast as it was made, kept beside earlier ones, to be set against what comes."""
    weekly = read_output(session.con, "forecast_weekly")
    assert weekly is not None, "made by the step before"
    return keep_forecast(weekly, read_output(session.con, "forecast_kept"), session.as_of)


def score_kept(session: RunSession) -> pl.DataFrame:
    """What came of kept forecasts; no row before the first of their weeks has passed."""
    kept = read_output(session.con, "forecast_kept")
    assert kept is not None, "kept by the step before"
    return score_forecasts(kept, kept_frame(session, "demand"))


def monitor_segments(session: RunSession) -> pl.DataFrame:
    """Bias, coverage and loss of kept forecasts by segment and week."""
    scores = read_output(session.con, "forecast_scores")
    assert scores is not None, "made by the step before"
    made = kept_forecast(session)
    assert made.segment is not None, "the engine names segments"
    named = made.series.select("store_code", "sku", pl.Series("segment", made.segment.tolist(), dtype=pl.String))
    return monitor_forecasts(scores, named)


def alert_segments(session: RunSession) -> pl.DataFrame:
    """What monitoring says is wrong, and segments that a challenger took."""
    monitor = read_output(session.con, "forecast_monitor")
    assert monitor is not None, "made by the step before"
    return raise_alerts(monitor, kept_forecast(session).champions)


MAKERS = {
    "forecast_weekly": make_forecast,
    "forecast_totals": total_up,
    "forecast_models": register_model,
    "forecast_champions": keep_champions,
    "forecast_kept": keep_this_forecast,
    "forecast_scores": score_kept,
    "forecast_monitor": monitor_segments,
    "forecast_alerts": alert_segments,
}
