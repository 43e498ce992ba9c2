"""The registry at work: what forecasts were made, the card of one, and one made again from the snapshot it was made of.

Reads the lake, at its newest or as it was; writes nothing to it.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ims.failure import Failure, WrongInput
from models.forecast.engine import forecast
from models.forecast.registry import hash_frame
from models.forecast.weekly import forecast_weekly
from pipelines.fingerprint import code_version
from pipelines.frames import read_input, read_output
from pipelines.known import read_known
from warehouse.lake import connect

if TYPE_CHECKING:
    from ims.postgres import Databases
    from ims.settings import Settings


@dataclass(frozen=True)
class Again:
    """A forecast made again: its rows, whether they are the same bytes, whether the same code made them."""

    version: str
    weekly: pl.DataFrame
    is_same: bool
    made_by: str
    code: str


def list_models(databases: Databases, settings: Settings) -> pl.DataFrame:
    """The registry, newest first; no row before the first run."""
    with closing(connect(databases, settings)) as con:
        found = read_output(con, "forecast_models")
    return pl.DataFrame() if found is None else found.sort("as_of", "snapshot_id", descending=True)


def read_model(databases: Databases, settings: Settings, version: str | None) -> dict[str, Any]:
    """The row of a version, or of the newest one. Raises WrongInput where there is none."""
    found = list_models(databases, settings)
    if found.is_empty():
        raise WrongInput("No forecast was made yet: `ims run` makes one.")
    if version is not None:
        chosen = found.filter(pl.col("version") == version)
        if chosen.is_empty():
            raise WrongInput(f"No forecast {version!r} is registered; `ims forecast list` names those that are.")
        found = chosen
    return found.row(0, named=True)


def forecast_again(databases: Databases, settings: Settings, version: str) -> Again:
    """The forecast of `version` from the lake's snapshot it was made of.

    Raises WrongInput for an unknown version, Failure when maintenance has let its snapshot go.
    """
    row = read_model(databases, settings, version)
    _require_snapshot(databases, settings, version, row["snapshot_id"])
    with closing(connect(databases, settings, snapshot=row["snapshot_id"])) as con:
        frames = {name: read_input(con, name) for name in ("demand", "catalog")}
        reigning, known = read_output(con, "forecast_champions"), read_known(con)
    made = forecast(frames["demand"], frames["catalog"], row["as_of"], row["horizon_weeks"], None, reigning, known)
    weekly = forecast_weekly(made, row["as_of"])
    return Again(version, weekly, hash_frame(weekly) == row["forecast_hash"], row["code_version"], code_version())


def _require_snapshot(databases: Databases, settings: Settings, version: str, snapshot_id: int) -> None:
    with closing(connect(databases, settings, read_only=True)) as con:
        kept = con.execute("SELECT 1 FROM ducklake_snapshots('lake') WHERE snapshot_id = ?", [snapshot_id]).fetchone()
    if kept is None:
        raise Failure(
            f"Forecast {version} was made from snapshot {snapshot_id} of the lake, which maintenance has let go: "
            "`ims maintain` keeps the snapshots of the last days and those that were published."
        )
