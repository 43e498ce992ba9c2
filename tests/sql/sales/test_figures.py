"""Figures over a small trade: what is suppressed, what is null, what is told of estimates."""

from __future__ import annotations

from decimal import Decimal

import pytest

from warehouse.metrics import NotAllowed, Scope, query

ALL = Scope(stores=None, can_see_cost=True)


def ask(trade, *names, scope=ALL, by=()):
    return query(trade.chain.con, names, by, scope=scope).rows()


@pytest.mark.parametrize(("uncosted", "margin"), [(50, 0.5), (60, None)])
def test_a_margin_is_told_where_costs_of_95_of_100_are_known(trade, uncosted, margin):
    trade.order("2024-05-01 10:00:00+00", {"net_amount": 950, "cost_at_sale": 475})
    trade.order("2024-05-01 10:00:00+00", {"net_amount": uncosted})
    trade.build("fct_sales_lines", "dim_date")
    assert ask(trade, "gross_margin_share") == [(margin,)]


def test_what_was_estimated_of_the_cost_is_told_beside_it(trade):
    trade.chain.con.execute("UPDATE lake.raw.products SET unit_cost = 100")
    trade.order("2024-05-01 10:00:00+00", {"net_amount": 600, "cost_at_sale": 300})
    trade.order("2024-05-01 10:00:00+00", {"net_amount": 200})
    trade.build("fct_sales_lines")
    names = ("cost_of_sales", "cost_of_sales_estimated_share", "cost_coverage_share", "cost_known_share")
    assert ask(trade, *names) == [(Decimal(400), 0.25, 0.75, 1.0)]


def test_conversion_leaves_out_days_that_nobody_counted_and_is_null_where_none_was(trade):
    trade.chain.store("B")
    trade.chain.add("walk_in_counts", store_id=trade.chain.key("store", "A"), counted_on="2024-05-01", walk_in_count=4)
    for day, store in (("2024-05-01", "A"), ("2024-05-02", "A"), ("2024-05-02", "B")):
        trade.order(f"{day} 10:00:00+00", store=store)
    trade.build("fct_traffic_daily")
    assert ask(trade, "footfall_conversion", by=["store"]) == [("A", 0.25), ("B", None)]


def test_returns_of_old_sales_lower_sales_now_and_the_return_rate_then(trade):
    order, (line,) = trade.order("2024-03-10 10:00:00+00", delivered_at="2024-03-10 11:00:00+00")
    trade.order("2024-03-11 10:00:00+00", delivered_at="2024-03-11 11:00:00+00")
    trade.back(order, line, "2024-05-02")
    trade.build("fct_sales_lines")
    found = ask(trade, "net_sales", "return_rate", by=["month"])
    assert [(str(month), sales, rate) for month, sales, rate in found] == [
        ("2024-03-01", Decimal(2000), 0.5),
        ("2024-05-01", Decimal(-1000), None),
    ]


def test_who_may_not_see_people_is_refused_their_figures(trade):
    trade.order("2024-05-01 10:00:00+00", seller="ann")
    trade.order("2024-05-01 10:00:00+00", seller="bob")
    trade.build("fct_sales_lines")
    seller = Scope(stores=None, reports=(("report:sales", None),))
    with pytest.raises(NotAllowed, match="report:staff"):
        ask(trade, "seller_net_sales", scope=seller)
    own = Scope(frozenset({"A"}), reports=(("report:staff", frozenset({"A"})),), own=(("report:staff", "ann"),))
    assert ask(trade, "seller_net_sales", by=["salesperson"], scope=own) == [("ann", Decimal(1000))]
    assert ask(trade, "seller_average_order", scope=own) == [(1000.0,)]
    with pytest.raises(NotAllowed, match="only your own"):
        ask(trade, "net_sales", scope=Scope(None, reports=(("report:sales", None),), own=(("report:sales", "ann"),)))
    assert ask(trade, "seller_net_sales", by=["salesperson"]) == [("ann", Decimal(1000)), ("bob", Decimal(1000))]
