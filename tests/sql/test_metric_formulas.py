"""What a figure may be beyond a sum: a formula of others, a window of days, partly estimated, split in its own ways."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

import warehouse.catalogue
from warehouse.catalogue import InvalidMetric, catalogue
from warehouse.metrics import Between, InvalidQuery, NotAllowed, Scope, query

ALL = Scope(stores=None, can_see_cost=True)
SALES = """
table = "marts.fct_sales_daily"
permission = "report:sales"
time = "sold_on"
dimensions = ["store", "category", "sku", "day", "week", "month", "year"]
own = { size = "CASE WHEN f.sold_qty >= 10 THEN 'large' ELSE 'small' END" }

[metric.net]
label = "Net sales"
unit = "money"
numerator = "sum(f.net_amount)"
estimated = "sum(f.net_amount) FILTER (f.sold_qty < 10)"
better = "up"
visible = "all"
description = "Net."

[metric.units]
label = "Units"
unit = "units"
numerator = "sum(f.sold_qty)"
better = "up"
visible = "all"
description = "Units."

[metric.units_28d]
label = "Units of four weeks"
unit = "units"
numerator = "sum(f.sold_qty)"
window_days = 28
better = "up"
visible = "all"
description = "Units."
"""
STOCK = """
table = "marts.fct_inventory_position"
permission = "report:stock"
dimensions = ["store", "category", "sku"]

[metric.held_value]
label = "Held"
unit = "money"
numerator = "sum(f.on_hand_qty * p.unit_cost)"
better = "down"
visible = "cost"
description = "Held."
"""
FORMULAS = """
[metric.price]
label = "Price"
unit = "ratio"
formula = "net / units"
better = "up"
visible = "all"
description = "Price."

[metric.yield_share]
label = "Yield"
unit = "ratio"
formula = "net / held_value"
better = "up"
visible = "all"
description = "Yield."

[metric.twice_the_price]
label = "Twice"
unit = "ratio"
formula = "2 * price / (net / net)"
better = "up"
visible = "all"
description = "Twice."
"""


@pytest.fixture
def define(tmp_path, monkeypatch):
    """Puts entries in place of the catalogue's."""

    def write(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.toml").write_text(text)
        monkeypatch.setattr(warehouse.catalogue, "FOLDER", tmp_path)
        catalogue.cache_clear()

    yield write
    catalogue.cache_clear()


@pytest.fixture
def con(shop, define):
    define(sales=SALES, stock=STOCK, formulas=FORMULAS)
    shop.store("B")
    shop.con.execute("UPDATE lake.raw.products SET unit_cost = 2 WHERE sku = 'p'")
    shop.sale("2024-03-04", 10, net=Decimal(30))
    shop.sale("2024-04-30", 20, net=Decimal(50), pair="B/p")
    shop.sale("2024-05-13", 4, net=Decimal(20))
    shop.stock("2024-05-15", 5, pair="A/p")
    return shop.build("2024-05-15").con


def ask(con, *names, by=(), where=None, scope=ALL):
    return query(con, names, by, where, scope=scope).rows()


def test_a_formula_is_computed_anew_at_each_grain_and_null_over_nought(con):
    assert ask(con, "price", by=["store"]) == [("A", 50 / 14), ("B", 2.5)]
    assert ask(con, "price", "twice_the_price") == [(100 / 34, 200 / 34)]
    assert ask(con, "yield_share", by=["store"]) == [("A", 5.0), ("B", None)]
    assert ask(con, "price", where={"sku": "no such"}) == [(None,)]


def test_a_formula_is_seen_by_whoever_may_see_all_of_its_parts(con):
    with pytest.raises(NotAllowed, match="costs"):
        ask(con, "yield_share", scope=Scope(stores=None))
    held = Scope(stores=None, can_see_cost=True, reports=(("report:sales", None),))
    assert ask(con, "price", scope=held) == [(100 / 34,)]
    with pytest.raises(NotAllowed, match="report:stock"):
        ask(con, "yield_share", scope=held)


def test_each_part_shows_the_stores_of_its_own_permission(con):
    reports = (("report:sales", frozenset({"B"})), ("report:stock", frozenset({"A", "B"})))
    assert ask(con, "yield_share", scope=Scope(None, True, reports)) == [(5.0,)]


def test_a_formula_is_split_only_by_what_splits_all_its_parts(con):
    assert catalogue()["yield_share"].dimensions == ("store", "category", "sku")
    with pytest.raises(InvalidQuery, match="yield_share cannot be split by month"):
        ask(con, "yield_share", by=["month"])


def test_a_window_ends_with_each_period_and_is_null_before_the_data_reach_back(con):
    months = [dt.date(2024, month, 1) for month in (3, 4, 5)]
    # the data begin on Monday the 4th of March, which 28 days up to the 31st just hold
    assert ask(con, "units_28d", "units", by=["month"]) == [
        (months[0], 10, 10),
        (months[1], 20, 20),
        (months[2], 24, 4),
    ]
    assert ask(con, "units_28d") == [(24,)]
    assert ask(con, "units_28d", where={"day": Between(high=dt.date(2024, 5, 12))}) == [(20,)]
    assert ask(con, "units_28d", where={"day": Between(high=dt.date(2024, 3, 20))}) == [(None,)]
    assert ask(con, "units_28d", by=["store"]) == [("A", 4), ("B", 20)]
    with pytest.raises(InvalidQuery, match="cannot be split by day"):
        ask(con, "units_28d", by=["day"])


def test_the_estimated_part_is_a_share_of_the_figure(con):
    assert ask(con, "net", "net_estimated_share") == [(Decimal("100.00"), 0.2)]


def test_a_table_has_dimensions_of_its_own(con):
    assert ask(con, "units", by=["size"]) == [("large", 30), ("small", 4)]
    assert ask(con, "units", where={"size": "small"}) == [(4,)]
    with pytest.raises(InvalidQuery, match="held_value cannot be split by size"):
        ask(con, "units", "held_value", by=["size"])


def test_figures_of_the_whole_chain_are_not_for_who_sees_some_stores(con, define):
    chain_wide = SALES.replace("fct_sales_daily", "dim_date").replace("sold_on", "day_on")
    define(sales=chain_wide.replace("f.sold_qty", "f.day_of_week").replace("f.net_amount", "1"))
    assert ask(con, "net")
    with pytest.raises(NotAllowed, match="whole chain"):
        ask(con, "net", scope=Scope(stores=frozenset({"A"})))


@pytest.mark.parametrize(
    ("formulas", "says"),
    [
        (FORMULAS.replace("net / units", "net / nothing"), "price names nothing"),
        (FORMULAS.replace("net / units", "twice_the_price"), "circle"),
        (FORMULAS.replace("metric.price", "metric.net"), "net is defined twice"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused_in_words(define, formulas, says):
    define(sales=SALES, stock=STOCK, formulas=formulas)
    with pytest.raises(InvalidMetric, match=says):
        catalogue()
