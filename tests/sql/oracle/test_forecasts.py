"""Forecasts kept for the ci chain against what its files say was sold: F1 to F4, and I5 from the forecast ahead."""

from __future__ import annotations

from collections import defaultdict

import polars as pl
import pytest

from models.forecast.scores import KEPT_SCHEMA, score_forecasts
from pipelines.frames import read_input, write_output
from tests.sql.oracle.kept import ONE, days, moves, products, reserved, sold
from tests.sql.oracle.told import compare, is_same
from tests.sql.oracle.weeks import known_weeks
from warehouse.contracts import contract

WEEK = 7 * ONE
LEVELS = {"p50": 0.5, "p80": 0.8, "p90": 0.9, "p95": 0.95}


@pytest.fixture(scope="module")
def made(ci):
    """Forecasts as a run would have kept them on three Mondays: flat at the mean of eight weeks, four weeks ahead."""
    series = known_weeks(ci)
    rows = []
    for back in (12, 9, 5):
        made_on = ci.as_of - back * WEEK
        for (store, sku), weeks in sorted(series.items())[::3]:
            past = [weeks[made_on - n * WEEK][0] for n in range(1, 9) if made_on - n * WEEK in weeks]
            if len(past) < 8:
                continue
            mean = sum(past) / 8 + 0.125
            levels = (round(mean), round(1.5 * mean), round(2 * mean) + 1, round(2 * mean) + 2)
            rows += [(made_on, store, sku, made_on + n * WEEK, mean, *levels) for n in range(4)]
    return pl.DataFrame(rows, schema=KEPT_SCHEMA, orient="row")


@pytest.fixture(scope="module")
def errors(ci, made):
    """Category, forecast, demand and the naive error known at the time; weeks sold from full shelves only."""
    series = known_weeks(ci)
    rows = []
    for made_on, store, sku, week, mean, *levels in made.rows():
        units, is_whole = series[store, sku].get(week, (0, False))
        if not is_whole:
            continue
        naive = naive_error(series[store, sku], made_on)
        rows.append((products(ci)[sku]["category"], units, mean, naive, *levels))
    write_output(ci.con, "forecast_scores", score_forecasts(made, read_input(ci.con, "demand")))
    names = ["category", "demand", "mean", "naive", *LEVELS]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def naive_error(weeks, made_on):
    """The mean change from one week known to the next, as known on that day."""
    steps, before = [], None
    for day in sorted(day for day in weeks if day < made_on):
        count, is_known = weeks[day]
        if is_known and before is not None:
            steps.append(abs(count - before))
        before = count if is_known else None
    return sum(steps) / len(steps) if steps else None


@pytest.mark.recomputes(
    "forecast_wape", "forecast_bias", "forecast_scaled_error", "forecast_pinball_loss", "forecast_cover_share"
)
def test_what_came_of_forecasts(ci, errors):
    assert errors.height > 1000
    off, demand = pl.col("mean") - pl.col("demand"), pl.col("demand")
    by = errors.group_by("category")
    sold_some = errors.filter(demand.sum().over("category") > 0).group_by("category")
    compare(ci, "forecast_wape", "category", sold_some.agg(off.abs().sum() / demand.sum()))
    compare(ci, "forecast_bias", "category", sold_some.agg(off.sum() / demand.sum()))
    scaled = errors.drop_nulls("naive").filter(pl.col("naive").sum().over("category") > 0).group_by("category")
    compare(ci, "forecast_scaled_error", "category", scaled.agg(off.abs().sum() / pl.col("naive").sum()))
    losses = [
        pl.when(demand >= pl.col(name))
        .then(level * (demand - pl.col(name)))
        .otherwise((1 - level) * (pl.col(name) - demand))
        for name, level in LEVELS.items()
    ]  # fmt: skip
    compare(ci, "forecast_pinball_loss", "category", by.agg(pl.mean_horizontal(losses).mean()))
    below = (demand < pl.col("p90")).cast(pl.Float64) + (demand == pl.col("p90")).cast(pl.Float64) / 2
    compare(ci, "forecast_cover_share", "category", by.agg(below.mean()))


@pytest.mark.recomputes("days_of_cover")
def test_days_of_cover(ci):
    """A forecast of what each pair sold in a mean week of the year, and one of nothing for a whole store."""
    year = defaultdict(int)
    for (store, sku, day), quantity in sold(ci).items():
        year[store, sku] += quantity if day >= ci.as_of - 52 * WEEK else 0
    first = min(store for store, _ in year)
    monday = ci.as_of - ci.as_of.weekday() * ONE
    rows = []
    for (store, sku), units in year.items():
        mean = 0.0 if store == first else units / 52
        for week in range(6):
            row = dict.fromkeys(contract("outputs.forecast_weekly").column_names, 0.0)
            keys = {"as_of": ci.as_of, "store_code": store, "sku": sku, "week_starting_on": monday + week * WEEK}
            rows.append(row | keys | {"mean_qty": mean, "method": "oracle"})
    write_output(ci.con, "forecast_weekly", pl.DataFrame(rows))
    on_hand = dict(moves(ci).group_by("store").agg(pl.col("units").sum()).rows())
    for store, units in on_hand.items():
        daily = 0.0 if store == first else sum(n for (each, _), n in year.items() if each == store) / 52 / 7
        available = units - reserved(ci)[store]
        expected = 999.0 if not daily else min(available / daily, 999.0)
        found = ci.ask("days_of_cover", where={"store": store}).item()
        assert is_same("days_of_cover", found, expected), store
    nothing = days(ci).filter(pl.col("day") == ci.as_of - ONE).group_by("sku").agg(pl.col("on_hand").sum())
    gone = sorted(sku for sku, units in nothing.rows() if units == 0 and not any(year[s, sku] for s in on_hand))
    assert all(ci.ask("days_of_cover", where={"sku": sku}).item() is None for sku in gone[:3])
