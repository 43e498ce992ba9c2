"""What came of past forecasts: those of the last half year kept, and set against the demand of the weeks they spoke of.

Frames in, frames out. Judged on whole weeks on which the item could be sold every day: elsewhere demand is not known.
"""

from __future__ import annotations

from datetime import date

import polars as pl

WEEKS_AHEAD = 4
WEEKS_KEPT = 26
BASELINE_WEEKS = 13
PAIR = ["store_code", "sku"]
LEVELS = {"p50": 0.5, "p80": 0.8, "p90": 0.9, "p95": 0.95}
KEPT_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "store_code": pl.String,
        "sku": pl.String,
        "week_starting_on": pl.Date,
        "mean_qty": pl.Float64,
        **dict.fromkeys(LEVELS, pl.Float64),
    }
)


def keep_forecast(weekly: pl.DataFrame, kept: pl.DataFrame | None, as_of: date) -> pl.DataFrame:
    """The kept forecasts with that of `as_of`: its first four whole weeks, one forecast for each week of the calendar.

    The first forecast of a week stays, however often the week is run again; one made anew for the same day replaces it.
    """
    past = pl.DataFrame(schema=KEPT_SCHEMA) if kept is None else kept.select(list(KEPT_SCHEMA)).cast(KEPT_SCHEMA)
    past = past.filter(pl.col("as_of") != as_of, pl.col("as_of") > pl.lit(as_of).dt.offset_by(f"-{WEEKS_KEPT}w"))
    week = pl.col("as_of").dt.truncate("1w")
    if not past.filter(week == pl.lit(as_of).dt.truncate("1w"), pl.col("as_of") < as_of).is_empty():
        return past
    past = past.filter(week != pl.lit(as_of).dt.truncate("1w"))
    whole = weekly.filter(pl.col("week_starting_on") >= as_of)
    last = pl.col("week_starting_on").min().dt.offset_by(f"{WEEKS_AHEAD}w")
    new = whole.filter(pl.col("week_starting_on") < last).select(list(KEPT_SCHEMA)).cast(KEPT_SCHEMA)
    return pl.concat([past, new]).sort(list(KEPT_SCHEMA)[:4])


def score_forecasts(kept: pl.DataFrame, demand: pl.DataFrame) -> pl.DataFrame:
    """One row per kept forecast of a week that has passed: errors in units, pinball loss, whether its 90 % held.

    `naive_error_qty` is the mean change from week to week that was known when the forecast was made (null without two
    such weeks): an error is judged by it. `baseline_error_qty`: the error of a plain 13-week mean. Worked:
    mean 3, p90 6, demand 6: error -3, absolute 3, cover .5 (a tie).
    """
    known = demand.with_columns(units=pl.when(pl.col("in_stock_share") >= 0.999).then("demand_qty"))
    known = known.filter("is_complete").sort([*PAIR, "week_starting_on"])
    step = (pl.col("units") - pl.col("units").shift(1).over(PAIR)).abs()
    known = known.with_columns(step=step).with_columns(
        naive_error_qty=(pl.col("step").cum_sum().forward_fill() / pl.col("step").cum_count()).over(PAIR)
    )
    known = known.with_columns(
        baseline=pl.col("units").rolling_mean(BASELINE_WEEKS, min_samples=1).over(PAIR).forward_fill().over(PAIR)
    )
    # what was known when it was made: the weeks before that of as_of
    scale = known.select(
        *PAIR, pl.col("week_starting_on").dt.offset_by("1w").alias("origin_week_on"), "naive_error_qty", "baseline"
    )
    error = pl.col("mean_qty") - pl.col("demand_qty")
    pinball = [
        pl.max_horizontal(
            level * (pl.col("demand_qty") - pl.col(name)), (level - 1.0) * (pl.col("demand_qty") - pl.col(name))
        )
        for name, level in LEVELS.items()
    ]
    tie = pl.when(pl.col("demand_qty") == pl.col("p90")).then(0.5).otherwise(0.0)
    return (
        kept.join(known.filter(pl.col("units").is_not_null()), on=[*PAIR, "week_starting_on"], suffix="_known")
        .drop("naive_error_qty", "baseline")
        .with_columns(origin_week_on=pl.col("as_of").dt.truncate("1w"))
        .join(scale, on=[*PAIR, "origin_week_on"], how="left")
        .select(
            *PAIR,
            "week_starting_on",
            pl.col("as_of").alias("made_on"),
            ((pl.col("week_starting_on") - pl.col("origin_week_on")).dt.total_days() // 7 + 1).alias("weeks_ahead"),
            "demand_qty",
            "mean_qty",
            error.alias("error_qty"),
            error.abs().alias("absolute_error_qty"),
            pl.when(pl.col("naive_error_qty").is_finite()).then("naive_error_qty").alias("naive_error_qty"),
            (pl.col("baseline") - pl.col("demand_qty")).abs().alias("baseline_error_qty"),
            pl.mean_horizontal(pinball).alias("pinball_qty"),
            (tie + (pl.col("demand_qty") < pl.col("p90")).cast(pl.Float64)).alias("p90_cover_share"),
        )
        .sort([*PAIR, "week_starting_on", "made_on"])
    )
