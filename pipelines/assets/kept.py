"""What several outputs of one run read: input frames and the forecast, each read or computed once and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from models.forecast.engine import Forecast, forecast
from pipelines import policy_inputs
from pipelines.frames import read_input, read_output
from pipelines.known import read_known
from warehouse.lake import current_snapshot

if TYPE_CHECKING:
    from pipelines.session import RunSession

HORIZON_WEEKS = 16
# the policy's own reading of a frame, in place of the models'
READERS = {
    "free_stock": policy_inputs.read_free_stock,
    "coming": policy_inputs.read_coming,
    "rules": policy_inputs.read_rules,
    "purchase_lines": policy_inputs.read_purchase_lines,
    "watched": policy_inputs.read_watched,
}


def kept_frame(session: RunSession, name: str) -> pl.DataFrame:
    """An input frame of models/ by name."""
    if name not in session.kept:
        session.kept[name] = READERS[name](session.con) if name in READERS else read_input(session.con, name)
    frame = session.kept[name]
    assert isinstance(frame, pl.DataFrame), "kept by the lines above"
    return frame


def kept_forecast(session: RunSession) -> Forecast:
    """The run's forecast, computed once: a plan launched alone in the Dagster UI computes it anew."""
    if "forecast" not in session.kept:
        # what the forecast is made from, for whoever makes it again
        session.kept["forecast_snapshot"] = current_snapshot(session.con)
        session.kept["forecast"] = forecast(
            kept_frame(session, "demand"),
            kept_frame(session, "catalog"),
            session.as_of,
            HORIZON_WEEKS,
            report_stages(session, "forecast"),
            reigning=read_output(session.con, "forecast_champions"),
            known=read_known(session.con),
        )
    found = session.kept["forecast"]
    assert isinstance(found, Forecast), "kept by the lines above"
    return found


def report_stages(session: RunSession, step: str) -> Callable[[str, float], None]:
    """The models report shares of a stage; the same stage of another step is another line."""
    return lambda stage, share: session.progress(f"{step}: {stage}", round(100 * share), 100)
