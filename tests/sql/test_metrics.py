"""Metrics: right at any grain, and nothing outside the scope of who asks."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlglot import exp, parse_one

from tests.sql.documents import fill_documents, fill_output
from warehouse.contracts import contract, create_table
from warehouse.dimensions import DIMENSIONS, PERIODS, is_time
from warehouse.metrics import TYPES, Between, InvalidQuery, NotAllowed, Scope, catalogue, query, values_of

ALL = Scope(stores=None, can_see_cost=True)


@pytest.fixture
def con(shop):
    shop.store("B", region="north")
    shop.product("q", category="d", brand="b", unit_cost=Decimal(3), unit_price=Decimal(5))
    shop.con.execute("UPDATE lake.raw.products SET unit_cost = 2 WHERE sku = 'p'")
    shop.product("free", category="d")
    shop.sale("2024-05-01", 10, net=Decimal(30))
    shop.sale("2024-05-02", 10, net=Decimal(10), pair="B/p")
    shop.sale("2024-05-07", 4, returned=2, net=Decimal(20), pair="B/q")
    shop.sale("2024-05-08", 5, net=Decimal(7), pair="B/free")
    shop.stock("2024-05-15", 6, pair="A/p")
    shop.stock("2024-05-15", 0, pair="B/p")
    shop.available("2024-05-06", "2024-05-12", False, pair="A/p")
    return shop.build("2024-05-15").con


@pytest.fixture
def traded(con, shop):
    """The same with a row in every mart that a figure speaks of."""
    shop.fill("trade")
    fill_documents(shop)
    built = shop.build("2024-05-15").con
    create_table(built, "outputs.forecast_scores")
    built.execute(
        "INSERT INTO lake.outputs.forecast_scores VALUES ('A', 'p', '2024-05-06', '2024-05-06', 1, "
        "3, 4, 1, 1, 2, 2, 0.5, 1)"
    )
    fill_output(built, "forecast_weekly", store_code="A", sku="p", week_starting_on="2024-05-13")
    fill_output(built, "calibration", kind="chosen", ratio=0.9)
    return built


def ask(con, *names, by=(), where=None, scope=ALL):
    return query(con, names, by, where, scope=scope)


def test_a_ratio_is_computed_anew_at_each_grain(con):
    by_store = ask(con, "average_price", "gross_margin_share", by=["store"])
    assert by_store["average_price"].to_list() == [3.0, 37 / 17]
    # in B a fifth of the sales has no cost: too much to speak of a margin
    assert by_store["gross_margin_share"].to_list() == [pytest.approx(10 / 30), None]
    assert ask(con, "average_price").rows() == [(67 / 27,)]


def test_a_ratio_of_nothing_is_null_and_never_nought(con):
    nothing = ask(con, "net_sales", "returns_share", "in_stock_share", where={"sku": "no such"})
    assert nothing.rows() == [(None, None, None)]


def test_margin_leaves_out_what_has_no_cost_and_says_how_much(con):
    found = ask(con, "net_sales", "gross_margin", "cost_known_share", "cost_coverage_share", by=["category"])
    assert found.rows() == [("c", Decimal(40), Decimal(0), 1.0, 0.0), ("d", Decimal(27), Decimal(14), 20 / 27, 0.0)]


def test_figures_of_several_tables_meet_by_dimension_nulls_included(con):
    found = ask(con, "units_sold", "stock_on_hand", "demand_units", by=["region"])
    assert sorted(found.rows(), key=str) == [("north", 19, 0, 19), (None, 10, 6, 10)]
    assert found.schema == {
        "region": pl.String,
        "units_sold": pl.Int64,
        "stock_on_hand": pl.Int64,
        "demand_units": pl.Int64,
    }


def test_time_is_split_and_limited(con):
    assert ask(con, "units_sold", by=["week"]).rows() == [(dt.date(2024, 4, 29), 20), (dt.date(2024, 5, 6), 9)]
    assert ask(con, "units_sold", by=["month"]).rows() == [(dt.date(2024, 5, 1), 29)]
    days = {"day": Between(dt.date(2024, 5, 2), dt.date(2024, 5, 7))}
    assert ask(con, "units_sold", by=["day"], where=days).rows() == [
        (dt.date(2024, 5, 2), 10),
        (dt.date(2024, 5, 7), 4),
    ]
    assert ask(con, "units_sold", where={"day": Between(high=dt.date(2024, 5, 1))}).rows() == [(10,)]


def test_stock_and_availability(con):
    assert ask(con, "stock_value", "empty_share").rows() == [(Decimal(12), 0.5)]
    found = ask(con, "in_stock_share", "stock_out_share", by=["store"], where={"week": dt.date(2024, 5, 6)})
    assert found.rows() == [("A", 0.0, 1.0), ("B", 1.0, 0.0)]


@pytest.mark.slow
def test_every_figure_can_be_asked_for_by_every_dimension_it_allows(traded):
    for name, metric in catalogue().items():
        for dimension in metric.splits:
            found = ask(traded, name, by=[dimension])
            assert found.columns == [dimension, name]
            assert found.height > 0


def test_figures_of_periods_are_the_same_put_together_from_days(traded, monkeypatch):
    asked = [
        (name, period)
        for name, metric in catalogue().items()
        if metric.formula is None and metric.time and not metric.window_days
        for period in sorted(PERIODS.intersection(metric.splits))
    ]
    folded = [ask(traded, name, by=[period]) for name, period in asked]
    monkeypatch.setattr("warehouse.metrics.fold", lambda *_: None)
    for (name, period), found in zip(asked, folded, strict=True):
        assert_frame_equal(found, ask(traded, name, by=[period]), rel_tol=1e-12)


def test_values_are_bound_never_read_as_sql(con):
    hostile = "x'); DROP TABLE lake.marts.dim_store; --"
    for dimension in ("store", "category", "brand", "sku"):
        assert ask(con, "units_sold", where={dimension: hostile}).rows() == [(None,)]
        assert ask(con, "units_sold", where={dimension: [hostile, None]}).height == 1
    assert con.execute("SELECT count(*) FROM lake.marts.dim_store").fetchone() == (2,)
    assert ask(con, "units_sold", where={"category": []}).rows() == [(None,)]
    assert ask(con, "units_sold", by=["store"], where={"region": None}).rows() == [("A", 10)]


@pytest.mark.parametrize(
    ("names", "by", "where", "says"),
    [
        (["nothing"], [], None, "net_sales"),
        (["net_sales; DROP TABLE x"], [], None, "no metric"),
        ([], [], None, "at least one"),
        (["net_sales"], ["s.region"], None, "no dimension"),
        (["net_sales"], [], {"1=1 OR store": "A"}, "no dimension"),
        (["net_sales"], [], {"day": "2024-05-01"}, "date"),
        (["net_sales"], [], {"day": Between("2024-05-01")}, "date"),
        (["net_sales"], [], {"store": 1}, "str"),
        (["stock_on_hand"], ["week"], None, "cannot be split"),
        (["net_sales", "demand_units"], ["day"], None, "demand_units"),
        (["net_sales", "stock_on_hand"], [], {"day": dt.date(2024, 5, 1)}, "stock_on_hand cannot be limited"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(con, names, by, where, says):
    with pytest.raises(InvalidQuery, match=says):
        query(con, names, by, where, scope=ALL)


def test_a_scope_hides_other_stores_from_every_figure(traded):
    own = Scope(stores=frozenset({"A"}))
    for name, metric in catalogue().items():
        if metric.visible == "all" and "store" in metric.splits:
            assert ask(traded, name, by=["store"], scope=own)["store"].to_list() == ["A"], name


def test_a_scope_sums_its_stores_alone(con):
    own = Scope(stores=frozenset({"A"}))
    assert ask(con, "units_sold", scope=own).rows() == [(10,)]
    assert ask(con, "units_sold", where={"region": "north"}, scope=own).rows() == [(None,)]
    assert values_of(con, "store", scope=own) == ["A"]
    assert values_of(con, "region", scope=own) == []


def test_figures_of_one_table_keep_to_the_stores_of_their_own_permissions(con):
    def seen(sales, stock):
        scope = Scope(stores=None, reports=(("report:sales", sales), ("report:stock", stock)))
        found = ask(
            con, "demand_units", "stock_out_share", by=["store"], where={"week": dt.date(2024, 5, 6)}, scope=scope
        )
        return found.rows()

    a, b = frozenset({"A"}), frozenset({"B"})
    every = seen(None, None)
    assert [store for store, *_ in every] == ["A", "B"]
    assert seen(b, b) == every[1:]
    assert seen(a, b) == [("A", every[0][1], None), ("B", None, every[1][2])]


def test_an_empty_scope_sees_nothing(con):
    nobody = Scope(stores=frozenset())
    assert ask(con, "units_sold", "stock_on_hand", by=["store"], scope=nobody).rows() == []
    assert values_of(con, "store", scope=nobody) == []


def test_a_store_outside_the_scope_asked_for_by_name_is_refused(con):
    for wanted in ("B", ["A", "B"], "no such"):
        with pytest.raises(NotAllowed, match="store"):
            ask(con, "units_sold", where={"store": wanted}, scope=Scope(stores=frozenset({"A"})))


def test_costs_are_hidden_unless_granted(con):
    hidden = {name for name, metric in catalogue().items() if metric.visible == "cost"}
    assert {"gross_margin", "gross_margin_share", "cost_of_sales", "stock_value"} <= hidden
    for name in hidden:
        with pytest.raises(PermissionError, match="cost"):
            ask(con, "units_sold", name, scope=Scope(stores=None))


def test_what_is_not_recorded_is_null_at_every_grain_and_says_why(con):
    missing = {name: metric for name, metric in catalogue().items() if metric.missing}
    assert [metric.missing for metric in missing.values()] == ["no staff hours are recorded"]
    for name, metric in missing.items():
        assert ask(con, name).rows() == [(None,)]
        for dimension in metric.splits:
            assert set(ask(con, name, by=[dimension])[name]) == {None}, dimension


def test_scope_must_be_given(con):
    with pytest.raises(TypeError):
        query(con, ["net_sales"])
    with pytest.raises(TypeError):
        Scope()


def test_values_for_filters(con):
    assert values_of(con, "category", scope=ALL) == ["c", "d"]
    assert values_of(con, "brand", scope=ALL) == ["b"]
    assert values_of(con, "store", scope=ALL) == ["A", "B"]
    with pytest.raises(InvalidQuery, match="Between"):
        values_of(con, "day", scope=ALL)


@pytest.mark.parametrize("metric", catalogue().values(), ids=lambda each: each.name)
def test_an_entry_is_whole_and_speaks_only_of_what_exists(metric):
    assert metric.unit in TYPES
    assert metric.better in ("up", "down")
    assert metric.visible in ("all", "cost")
    assert set(metric.dimensions) <= {*DIMENSIONS, *metric.own}
    assert metric.label
    assert metric.description.endswith(".")
    assert metric.target is None or metric.target in catalogue()
    if metric.formula is not None:
        assert set(metric.parts) <= catalogue().keys()
        return
    known = {"f": metric.table, "p": "marts.dim_product", "s": "marts.dim_store", "sale": "marts.fct_orders"}
    sql = [metric.expression, *metric.own.values(), metric.estimated or "NULL"]
    columns = [column for each in sql for column in parse_one(each, dialect="duckdb").find_all(exp.Column)]
    for column in columns:
        assert column.name in contract(known[column.table]).column_names
    if any("cost" in column.name and not column.name.startswith("is_") for column in columns):
        assert metric.visible == "cost"
    if metric.time is not None:
        assert metric.time in contract(metric.table).column_names
    else:
        assert not [name for name in metric.dimensions if is_time(name) and name not in metric.own]


def test_every_number_of_the_chain_s_list_of_kpis_has_a_figure():
    counts = {"S": 14, "M": 5, "T": 8, "I": 17, "V": 5, "L": 4, "C": 6, "F": 6}
    wanted = {f"{letter}{number}" for letter, count in counts.items() for number in range(1, count + 1)}
    assert {metric.kpi for metric in catalogue().values() if metric.kpi} == wanted
