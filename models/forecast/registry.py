"""The registry of forecasts: what each was made from and by, so that it can be made again, byte for byte.

Frames in, frames out; the snapshot of the lake and the version of the code are told by the caller.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl

from models.features.panel import ANY_DAY
from models.forecast import blend, boosted, champion, dispersion, knots, schedule
from models.forecast.card import write_card
from models.forecast.engine import Forecast

FEATURES = Path(__file__).parents[1] / "features"
VERSIONS_KEPT = 400

MODELS_SCHEMA: dict[str, type[pl.DataType]] = {
    "version": pl.String,
    "as_of": pl.Date,
    "snapshot_id": pl.Int64,
    "trained_from_on": pl.Date,
    "trained_until_on": pl.Date,
    "series_count": pl.Int64,
    "observed_weeks": pl.Int64,
    "horizon_weeks": pl.Int64,
    "parameters": pl.String,
    "metrics": pl.String,
    "features_hash": pl.String,
    "code_version": pl.String,
    "forecast_hash": pl.String,
    "card": pl.String,
}


def register_forecast(
    forecast: Forecast,
    weekly: pl.DataFrame,
    demand: pl.DataFrame,
    as_of: date,
    snapshot_id: int,
    code_version: str,
    kept: pl.DataFrame | None,
) -> pl.DataFrame:
    """The registry (MODELS_SCHEMA) with this forecast in it; the newest 400 versions stay.

    A version is named by its day and what it says, so the same forecast made twice is one version.
    """
    seen = demand.filter(pl.col("is_complete"), pl.col("week_starting_on") < forecast.origin)
    said = hash_frame(weekly)
    row: dict[str, object] = {
        "version": f"{as_of:%Y%m%d}-{said[:8]}",
        "as_of": as_of,
        "snapshot_id": snapshot_id,
        "trained_from_on": seen["week_starting_on"].min(),
        "trained_until_on": seen["week_starting_on"].max(),
        "series_count": forecast.series.height,
        "observed_weeks": seen.filter(pl.col("in_stock_share").fill_null(1.0) >= ANY_DAY).height,
        "horizon_weeks": forecast.mean.shape[1],
        "parameters": json.dumps(list_parameters(), sort_keys=True),
        "metrics": json.dumps(measure_forecast(forecast, weekly), sort_keys=True),
        "features_hash": hash_features(),
        "code_version": code_version,
        "forecast_hash": said,
    }
    row["card"] = write_card(row, forecast)
    new = pl.DataFrame([row], schema=MODELS_SCHEMA)
    if kept is None:
        return new
    past = kept.select(list(MODELS_SCHEMA)).cast(MODELS_SCHEMA).filter(pl.col("version") != row["version"])  # type: ignore[arg-type]  # polars types the mapping invariantly
    return pl.concat([past, new]).sort("as_of", "snapshot_id", "version").tail(VERSIONS_KEPT)


def hash_frame(frame: pl.DataFrame) -> str:
    """SHA-256 of the values of a published forecast, whatever the order of its rows and columns."""
    digest = hashlib.sha256()
    for column in frame.select(sorted(frame.columns)).sort("store_code", "sku", "week_starting_on"):
        digest.update(column.name.encode())
        if column.dtype == pl.String:
            digest.update("\n".join(str(value) for value in column.to_list()).encode())
        else:
            digest.update(column.to_physical().to_numpy().tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def hash_features() -> str:
    """SHA-256, 16 digits, of the code that makes features: another one may see other things in the same data."""
    digest = hashlib.sha256()
    for path in sorted(FEATURES.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def list_parameters() -> dict[str, object]:
    """Every setting of the engine that a person chose."""
    return {
        "boosting": {name: value for name, value in boosted.PARAMS.items() if name not in ("verbose", "num_threads")},
        "losses": [dict(loss) for loss in boosted.LOSSES],
        "quantiles": knots.PARAMS
        | {"levels": knots.GRID.tolist(), "rows": knots.ROWS, "few": knots.FEW, "many": knots.MANY},
        "rows": {"full": boosted.BUDGET, "light": boosted.LIGHT_BUDGET, "many_pairs": boosted.MANY_PAIRS},
        "structural_share": {"most": blend.MOST_SHARE, "few_pairs": blend.FEW_PAIRS},
        "scatter": {"classes": dispersion.N_CLASSES, "range": dispersion.SCALE_RANGE, "target": dispersion.TARGET},
        "champion": {
            "noise": champion.NOISE,
            "least_gain": champion.LEAST_GAIN,
            "least_origins": champion.LEAST_ORIGINS,
        },
        "cutoffs": {"most": schedule.MAX_CUTOFFS, "error_weeks": schedule.ERROR_WEEKS},
    }


def measure_forecast(forecast: Forecast, weekly: pl.DataFrame) -> dict[str, object]:
    """Loss of champions and of the best rivals in trials, rows by method, units expected in the first whole weeks."""
    found: dict[str, object] = {
        "rows_by_method": dict(sorted(weekly.group_by("method").len().iter_rows())),
        "expected_units": round(float(weekly["mean_qty"].sum()), 3),
    }
    chosen = forecast.champions
    if chosen is not None and chosen.height:
        rows = int(chosen["trial_rows"].sum())
        found["trial_rows"] = rows
        for name in ("champion_loss", "rival_loss"):
            found[name] = round(float((chosen[name] * chosen["trial_rows"]).sum()) / max(rows, 1), 6)
        found["changed_segments"] = int(chosen["is_changed"].sum())
    return found
