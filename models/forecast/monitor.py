"""Monitoring: how past forecasts did, week by week and segment by segment, and what a person should be told of.

Reads the scores of kept forecasts (scores.py), gives `forecast_monitor` and `forecast_alerts`.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

MONITOR_SCHEMA: dict[str, type[pl.DataType]] = {
    "segment": pl.String,
    "week_starting_on": pl.Date,
    "row_count": pl.Int64,
    "demand_qty": pl.Float64,
    "mean_qty": pl.Float64,
    "bias_ratio": pl.Float64,
    "p90_cover_share": pl.Float64,
    "pinball_qty": pl.Float64,
    "absolute_error_qty": pl.Float64,
    "baseline_error_qty": pl.Float64,
}
ALERTS_SCHEMA: dict[str, type[pl.DataType]] = {
    "segment": pl.String,
    "alert": pl.String,
    "since_on": pl.Date,
    "value": pl.Float64,
    "limit_value": pl.Float64,
    "fallback": pl.String,
    "message": pl.String,
}
ALERTS = ("BIAS", "COVERAGE", "DRIFT", "BEHIND_BASELINE", "CHAMPION_FELL_BEHIND")
RECENT_WEEKS, LEAST_WEEKS, LEAST_ROWS = 8, 4, 200
MOST_BIAS, LEAST_COVER, MOST_COVER, MOST_DRIFT = 0.10, 0.85, 0.95, 0.25
ALL = "all"


def monitor_forecasts(scores: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """MONITOR_SCHEMA: a row per segment and week that has come, and one of the segment 'all'.

    `segments`: store_code, sku, segment. Errors are sums of units, pinball and cover means of rows. 2 rows, demand 4
    and 6, mean 5 each: bias 0, absolute error 2.
    """
    named = scores.join(segments, on=["store_code", "sku"], how="left").with_columns(
        pl.col("segment").fill_null("gone")
    )
    both = pl.concat([named, named.with_columns(segment=pl.lit(ALL))])
    return (
        both.group_by("segment", "week_starting_on")
        .agg(
            row_count=pl.len().cast(pl.Int64),
            demand_qty=pl.col("demand_qty").sum(),
            mean_qty=pl.col("mean_qty").sum(),
            p90_cover_share=pl.col("p90_cover_share").mean(),
            pinball_qty=pl.col("pinball_qty").mean(),
            absolute_error_qty=pl.col("absolute_error_qty").sum(),
            baseline_error_qty=pl.col("baseline_error_qty").sum(),
        )
        .with_columns(
            bias_ratio=pl.when(pl.col("demand_qty") > 0).then(pl.col("mean_qty") / pl.col("demand_qty") - 1.0)
        )
        .select(list(MONITOR_SCHEMA))
        .cast(MONITOR_SCHEMA)  # type: ignore[arg-type]  # polars types the mapping invariantly
        .sort("segment", "week_starting_on")
    )


def raise_alerts(monitor: pl.DataFrame, champions: pl.DataFrame | None) -> pl.DataFrame:
    """ALERTS_SCHEMA: what the last eight weeks that came say is wrong, and each segment that changed its champion.

    Said only of segments with 4 weeks and 200 rows, and only beyond two standard errors over weeks. `fallback` names
    who forecasts the segment now.
    """
    held = {} if champions is None else dict(champions.select("segment", "champion").iter_rows())
    rows: list[dict[str, object]] = []
    for (segment,), weeks in monitor.sort("week_starting_on").group_by("segment", maintain_order=True):
        recent, earlier = weeks.tail(RECENT_WEEKS), weeks.head(max(weeks.height - RECENT_WEEKS, 0))
        if recent.height < LEAST_WEEKS or recent["row_count"].sum() < LEAST_ROWS:
            continue
        for alert, value, limit, message in _look(recent, earlier):
            rows.append(
                {
                    "segment": segment,
                    "alert": alert,
                    "since_on": recent["week_starting_on"][0],
                    "value": value,
                    "limit_value": limit,
                    "fallback": held.get(str(segment)),
                    "message": message,
                }
            )
    if champions is not None:
        rows += [
            {
                "segment": each["segment"],
                "alert": "CHAMPION_FELL_BEHIND",
                "since_on": None,
                "value": each["rival_gain_ratio"],
                "limit_value": each["noise_ratio"],
                "fallback": each["champion"],
                "message": each["reason"],
            }
            for each in champions.filter("is_changed").iter_rows(named=True)
        ]
    return pl.DataFrame(rows, schema=ALERTS_SCHEMA).sort("segment", "alert")


def _look(recent: pl.DataFrame, earlier: pl.DataFrame) -> Iterator[tuple[str, float, float, str]]:
    demand = float(recent["demand_qty"].sum())
    if demand <= 0:
        return
    bias = float(recent["mean_qty"].sum()) / demand - 1.0
    noise = 2.0 * _error_of_mean(recent["bias_ratio"])
    if abs(bias) > max(MOST_BIAS, noise):
        yield "BIAS", bias, MOST_BIAS, f"The mean was {bias:+.0%} off over {recent.height} weeks."
    cover, noise = float(recent["p90_cover_share"].mean()), 2.0 * _error_of_mean(recent["p90_cover_share"])  # type: ignore[arg-type]  # polars types mean() as any scalar
    if not LEAST_COVER - noise <= cover <= MOST_COVER + noise:
        limit = LEAST_COVER if cover < LEAST_COVER else MOST_COVER
        yield "COVERAGE", cover, limit, f"Demand stayed under its .90 quantile {cover:.0%} of the time."
    lead = recent["absolute_error_qty"] - recent["baseline_error_qty"]
    behind, noise = float(lead.sum()) / demand, 2.0 * _error_of_mean(lead) * recent.height / demand
    if behind > noise:
        yield "BEHIND_BASELINE", behind, 0.0, f"A plain 13-week mean erred {behind:.1%} of demand less."
    if earlier.height >= LEAST_WEEKS:
        before, now = (float((f["pinball_qty"] / f["demand_qty"] * f["row_count"]).mean()) for f in (earlier, recent))  # type: ignore[arg-type]  # as above
        noise = 2.0 * _error_of_mean(recent["pinball_qty"] / recent["demand_qty"] * recent["row_count"])
        if now - before > max(noise, MOST_DRIFT * before):
            yield "DRIFT", now / before - 1.0, MOST_DRIFT, f"Loss per unit grew by {now / before - 1:.0%}."


def _error_of_mean(values: pl.Series) -> float:
    spread = values.drop_nulls().std()
    return float(spread) / max(values.len(), 1) ** 0.5 if isinstance(spread, float) else float("inf")
