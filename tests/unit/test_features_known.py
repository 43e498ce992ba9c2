"""What is known ahead: festivals, prices, closing stores, successors; and spikes that nobody will see again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.features.festivals import align_seasons
from models.features.history import build_history
from models.features.known import FESTIVALS, NOTHING, PRICES, RENEWALS, Known
from models.features.panel import Panel, build_panel, close_stores
from models.features.powers import pool_powers
from models.features.rows import step_rows
from models.features.spikes import damp_spikes
from models.features.successors import inherit_demand
from models.forecast.structural import close, name_methods, structural

START = date(2021, 1, 4)
WEEKS = 196
DIWALI = [date(2021, 11, 4), date(2022, 10, 24), date(2023, 11, 12), date(2024, 11, 1)]
SHOWN = Known(festivals=pl.DataFrame({"festival": "Diwali", "day_on": DIWALI}, schema=FESTIVALS))


def make_panel(units: np.ndarray, end: int, skus: list[str] | None = None) -> Panel:
    """Panel of units (n_skus, n_weeks) in one store; nan before a sku began."""
    names = skus or [f"K{i:02}" for i in range(len(units))]
    rows = [
        ("A", name, START + timedelta(weeks=week), float(value), 1.0, True)
        for name, line in zip(names, units, strict=True)
        for week, value in enumerate(line[:end])
        if np.isfinite(value)
    ]
    columns = ["store_code", "sku", "week_starting_on", "demand_qty", "in_stock_share", "is_complete"]
    demand = pl.DataFrame(rows, schema=columns, orient="row")
    empty = {name: pl.lit(None, dtype=pl.String) for name in ("category", "subcategory", "brand", "cluster", "region")}
    days = {name: pl.lit(None, dtype=pl.Date) for name in ("launched_on", "discontinued_on")}
    catalog = pl.DataFrame({"store_code": "A", "sku": names}).with_columns(**empty, **days)
    return build_panel(demand, catalog, START + timedelta(weeks=end))


def with_festival() -> np.ndarray:
    units = np.full((30, WEEKS + 8), 20.0)
    for day in DIWALI:
        units[:, (day - START).days // 7] = 60.0
    return units


def test_a_festival_has_its_season_wherever_it_falls() -> None:
    units = with_festival()
    origin = (DIWALI[3] - START).days // 7 - 3
    plain = make_panel(units, origin)
    told = align_seasons(plain, SHOWN.festivals)
    blind, seen = structural(plain, origin, 6)[0], structural(told, origin, 6)[0]
    assert np.argmax(seen) == 3, "the week of the festival, which lies elsewhere than a year ago"
    assert seen[3] > 1.5 * seen[0]
    assert abs(seen[3] - 60) < abs(blind[3] - 60)


def test_a_festivals_lift_is_a_feature_known_before_it() -> None:
    units = with_festival()
    origin = (DIWALI[3] - START).days // 7 - 3
    history = build_history(make_panel(units, origin), SHOWN)
    one = np.zeros(6, dtype=np.int64)
    rows, names = step_rows(history, one, np.full(6, origin), np.arange(1, 7))
    lift = rows[:, names.index("festival_chain")]
    assert np.argmax(lift) == 3
    assert 0.9 < lift[3] < np.log(3.01)
    assert rows[:, names.index("festival_lead")].tolist()[:4] == [-3.0, -2.0, -1.0, 0.0]


def test_a_festival_of_fixed_date_is_the_seasons() -> None:
    fixed = pl.DataFrame({"festival": "Fair", "day_on": [date(y, 8, 15) for y in (2021, 2022, 2023)]}, schema=FESTIVALS)
    panel = make_panel(np.full((2, 150), 3.0), 150)
    assert align_seasons(panel, fixed) is panel


def test_a_price_that_is_to_change_is_seen() -> None:
    spans = [(None, "K00", START, None, 100.0), (None, "K00", START + timedelta(weeks=62), None, 80.0)]
    known = Known(prices=pl.DataFrame(spans, schema=PRICES, orient="row"))
    history = build_history(make_panel(np.full((2, 60), 5.0), 60), known)
    rows, names = step_rows(history, np.zeros(4, dtype=np.int64), np.full(4, 60), np.arange(1, 5))
    np.testing.assert_allclose(rows[:, names.index("price_1")], [0, 0, np.log(0.8), np.log(0.8)], atol=1e-6)


def test_where_nothing_is_known_no_feature_is_added() -> None:
    panel = make_panel(np.full((2, 60), 5.0), 60)
    _, names = step_rows(build_history(panel, NOTHING), np.zeros(1, dtype=np.int64), np.array([50]), np.array([1]))
    assert not [name for name in names if name.startswith(("festival", "price"))]


def test_a_bulk_order_is_damped_and_a_rush_in_every_store_is_not() -> None:
    units = np.full((3, 40), 2.0)
    units[0, 30] = 500.0
    assert damp_spikes(make_panel(units, 40)).demand[0, 30] == 28.0
    assert damp_spikes(make_panel(np.full((1, 40), 1e6), 40)).demand.max() == 1e6, "a level is no spike"
    untouched = make_panel(np.random.default_rng(0).poisson(3.0, (4, 60)).astype(float), 60)
    assert np.array_equal(damp_spikes(untouched).demand, untouched.demand)


def test_what_comes_later_damps_nothing_earlier() -> None:
    units = np.random.default_rng(1).poisson(2.0, (3, 40)).astype(float)
    later = units.copy()
    later[:, 30:] *= 400
    early, late = (damp_spikes(make_panel(each, 40)).demand[:, :30] for each in (units, later))
    assert np.array_equal(early, late)


def test_a_successor_begins_with_what_its_predecessor_sold() -> None:
    units = np.full((2, 60), 8.0)
    units[1, :58] = np.nan
    plain = make_panel(units, 60, ["old", "new"])
    told = inherit_demand(plain, pl.DataFrame({"sku": ["new"], "predecessor": ["old"]}))
    new = told.series["sku"].to_list().index("new")
    assert name_methods(told, 60, "model")[new] == "inherited_demand"
    assert structural(told, 60, 4)[new].min() > 7.5
    early = build_history(told)
    assert early.weeks[new, 60] == 54, "a year of its predecessor's, and its own two weeks"


def test_an_heir_sells_nothing_before_it_is_launched() -> None:
    units = np.full((2, 60), 8.0)
    units[1] = np.nan
    told = inherit_demand(make_panel(units, 60, ["old", "new"]), pl.DataFrame({"sku": ["new"], "predecessor": ["old"]}))
    new = told.series["sku"].to_list().index("new")
    told.launched[new] = 62
    assert close(told, 60, structural(told, 60, 4))[new, :2].sum() == 0
    assert close(told, 60, structural(told, 60, 4))[new, 2] > 7


def test_a_store_that_closes_sells_until_then() -> None:
    panel = make_panel(np.full((2, 60), 5.0), 60)
    closing = pl.DataFrame({"store_code": ["A"], "closed_on": [START + timedelta(weeks=61, days=2)]})
    told = close_stores(panel, closing)
    assert close(told, 60, np.ones((2, 4)))[0].tolist() == [1.0, 1.0, 0.0, 0.0]


def test_a_lens_power_sells_what_its_neighbours_sell_and_eyes_need() -> None:
    rng = np.random.default_rng(2)
    sph = np.arange(-4.0, 4.25, 0.25)
    share = np.exp(-(sph**2) / 4)
    units = rng.poisson(0.6 * share[:, None], (len(sph), 104)).astype(float)
    skus = [f"L{i:02}" for i in range(len(sph))]
    panel = make_panel(units, 104, skus)
    powers = pl.DataFrame({"sku": skus, "lens_line": "SV", "sph": sph, "cyl": 0.0, "eyes_share": share / share.sum()})
    pooled = replace(panel, powers=pool_powers(panel, powers))
    alone, grid = structural(panel, 104, 1)[:, 0], structural(pooled, 104, 1)[:, 0]
    truth = 0.6 * share
    assert np.abs(grid - truth).sum() < 0.6 * np.abs(alone - truth).sum()
    later = units.copy()
    later[:, 80:] = 9.0
    changed = pool_powers(make_panel(later, 104, skus), powers)
    assert pooled.powers is not None
    assert changed is not None
    assert np.array_equal(pooled.powers[:, :81], changed[:, :81]), "rows after an origin change nothing before it"


def test_lenses_are_due_when_they_run_out_as_known_at_the_origin() -> None:
    panel = make_panel(np.full((2, 40), 1.0), 40)
    week = timedelta(weeks=1)
    bought = pl.DataFrame(
        [
            ("A", "K00", START + 30 * week, START + 42 * week, 8.0),
            ("A", "K00", START + 38 * week, START + 42 * week, 4.0),
            ("A", "K01", START + 30 * week, START + 43 * week, 2.0),
        ],
        schema=RENEWALS,
        orient="row",
    )
    history = build_history(panel, Known(renewals=bought))
    assert history.renewals is not None
    i, column = np.zeros(3, dtype=np.int64), np.array([42, 42, 43])
    assert history.renewals.due(i, column, np.array([38, 39, 39])).tolist() == [8.0, 12.0, 0.0]
    assert history.renewals.around(i, column, np.full(3, 40)).tolist() == [6.0, 6.0, 3.0]
    rows, names = step_rows(history, i, np.full(3, 40), np.array([1, 3, 4]))
    assert rows[:, names.index("due")].argmax() == 1
