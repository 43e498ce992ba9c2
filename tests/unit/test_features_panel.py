"""The panel and the features: what counts as observed, and that nothing after an origin is seen."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.features.history import build_history
from models.features.panel import ANY_DAY, build_panel, monday_of
from models.features.rows import origin_rows, series_levels, step_rows
from models.features.season import season_at

START = date(2022, 1, 3)


def make_demand(
    quantities: dict[tuple[str, str], list[float]], shares: dict[tuple[str, str], list[float]] | None = None
) -> pl.DataFrame:
    rows = []
    for (store, sku), values in quantities.items():
        for week, value in enumerate(values):
            share = shares[store, sku][week] if shares and (store, sku) in shares else 1.0
            rows.append((store, sku, START + timedelta(weeks=week), value, share, True))
    names = ["store_code", "sku", "week_starting_on", "demand_qty", "in_stock_share", "is_complete"]
    return pl.DataFrame(rows, schema=names, orient="row")


def make_catalog(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    text = {
        name: pl.Series([None] * len(pairs), dtype=pl.String) for name in ("subcategory", "brand", "cluster", "region")
    }
    return pl.DataFrame({"store_code": [s for s, _ in pairs], "sku": [k for _, k in pairs]}).with_columns(
        category=pl.lit("frames"),
        **text,
        launched_on=pl.lit(None, dtype=pl.Date),
        discontinued_on=pl.lit(None, dtype=pl.Date),
    )


def test_a_thursday_belongs_to_its_monday() -> None:
    assert monday_of(date(2024, 4, 18)) == date(2024, 4, 15)


def test_part_of_a_week_counts_in_part_and_an_empty_shelf_not_at_all() -> None:
    pair = ("S1", "A")
    demand = make_demand({pair: [4.0, 3.0, 0.0]}, {pair: [1.0, 0.75, 0.2]})
    panel = build_panel(demand, make_catalog([pair]), START + timedelta(weeks=3))
    np.testing.assert_allclose(panel.demand, [[4.0, 4.0, 0.0]])
    np.testing.assert_allclose(panel.weight, [[1.0, 0.75, 0.0]])


def test_rows_in_another_order_give_the_same_panel() -> None:
    pairs = [("S2", "B"), ("S1", "A"), ("S1", "B")]
    demand = make_demand({pair: [float(n), 2.0, 3.0] for n, pair in enumerate(pairs)})
    end = START + timedelta(weeks=3)
    one = build_panel(demand, make_catalog(pairs), end)
    two = build_panel(demand.reverse(), make_catalog(pairs[::-1]), end)
    assert one.series.equals(two.series)
    np.testing.assert_array_equal(one.demand, two.demand)
    assert all((one.codes[name] == two.codes[name]).all() for name in one.codes)


def test_incomplete_weeks_and_unknown_pairs_are_left_out() -> None:
    demand = make_demand({("S1", "A"): [1.0, 2.0], ("S9", "Z"): [5.0, 5.0]})
    demand = demand.with_columns(is_complete=pl.col("week_starting_on") == START)
    panel = build_panel(demand, make_catalog([("S1", "A")]), START + timedelta(weeks=2))
    assert panel.weight.tolist() == [[1.0, 0.0]]


def test_a_week_given_twice_is_refused() -> None:
    demand = make_demand({("S1", "A"): [1.0]})
    with pytest.raises(ValueError, match="more than once"):
        build_panel(pl.concat([demand, demand]), make_catalog([("S1", "A")]), START + timedelta(weeks=1))


def test_features_at_an_origin_do_not_move_with_what_comes_after() -> None:
    rng = np.random.default_rng(5)
    pairs = [(f"S{s}", f"K{k}") for s in range(3) for k in range(4)]
    base = {pair: rng.poisson(4, 80).astype(float).tolist() for pair in pairs}
    later = {pair: values[:70] + rng.poisson(40, 10).astype(float).tolist() for pair, values in base.items()}
    shares = {pair: [1.0] * 70 + rng.integers(0, 2, 10).astype(float).tolist() for pair in pairs}
    catalog, end = make_catalog(pairs), START + timedelta(weeks=80)
    i, t = np.arange(12), np.full(12, 70)
    seen = []
    for demand in (make_demand(base), make_demand(later, shares)):
        history = build_history(build_panel(demand, catalog, end))
        known, names = origin_rows(history, i, t)
        ahead, steps = step_rows(history, i, t, np.full(12, 16))
        assert known.shape[1] == len(names)
        assert ahead.shape[1] == len(steps)
        seen.append((known, ahead, series_levels(history, i, t), season_at(history.panel, 70)))
    for one, two in zip(*seen, strict=True):
        np.testing.assert_array_equal(one, two)


def test_an_empty_shelf_does_not_drag_the_level_down() -> None:
    pair = ("S1", "A")
    shares = {pair: [1.0] * 20 + [0.0] * 10}
    panel = build_panel(
        make_demand({pair: [6.0] * 20 + [0.0] * 10}, shares), make_catalog([pair]), START + timedelta(weeks=30)
    )
    level = series_levels(build_history(panel), np.array([0]), np.array([30]))
    assert level[0] == pytest.approx(6.0)


def test_the_season_is_found_and_flat_demand_has_none() -> None:
    weeks = [START + timedelta(weeks=n) for n in range(156)]
    peak = [30.0 if day.month == 12 else 10.0 for day in weeks]
    pairs = [("S1", "A"), ("S2", "A")]
    end = START + timedelta(weeks=156)
    panel = build_panel(make_demand(dict.fromkeys(pairs, peak)), make_catalog(pairs), end)
    season = season_at(panel, 156)[0]
    assert season[49] > 1.4
    assert season[20] < 1.0
    flat = build_panel(make_demand({pair: [10.0] * 156 for pair in pairs}), make_catalog(pairs), end)
    np.testing.assert_allclose(season_at(flat, 156), 1.0, atol=1e-9)


def test_a_model_sees_every_day_on_the_shelf_with_its_weight() -> None:
    pair = ("S1", "A")
    demand = make_demand({pair: [1.0, 0.0]}, {pair: [0.25, 0.0]})
    panel = build_panel(demand, make_catalog([pair]), START + timedelta(weeks=2), ANY_DAY)
    np.testing.assert_allclose(panel.demand * panel.weight, [[1.0, 0.0]])
    np.testing.assert_allclose(panel.weight, [[0.25, 0.0]])
