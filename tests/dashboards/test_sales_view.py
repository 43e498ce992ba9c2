"""The Sales view on a published world: its figures against a second, independent count of the same sales."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from api.identity.scope import Scope
from dashboards.figures import daily_metrics
from tests.dashboards.tiles import tiles_on, values_on


@pytest.fixture
def sales(world) -> pl.DataFrame:
    """The sales that were published, with the category of each."""
    return world.frames()["sales"].join(
        world.frames()["catalog"].select("sku", "category").unique(), on="sku", how="left"
    )


def test_tiles_courses_bars_and_table_agree_with_the_sales(world, site, sales: pl.DataFrame) -> None:
    page = site.open_sales(world.installation)
    assert not page.exception
    begin, end = dt.date(2026, 8, 24), dt.date(2026, 11, 22)
    inside = sales.filter(pl.col("sold_on").is_between(begin, end))
    tiles = values_on(page)
    assert tiles["Units sold"] == f"{inside['sold_qty'].sum():,}"
    assert tiles["Net sales"] == f"₹{inside['net_amount'].sum() / 1e5:.1f} L"
    assert len(page.get("plotly_chart")) == 3
    table = page.dataframe[0].value
    expected = inside.group_by("store_code", "category").agg(pl.col("net_amount").sum())
    assert len(table) == expected.height
    assert table["net_sales"].sum() == pytest.approx(expected["net_amount"].sum())
    assert table["net_sales"].tolist() == sorted(table["net_sales"], reverse=True)


def test_filters_and_the_address_say_the_same(world, site, sales: pl.DataFrame) -> None:
    page = site.open_sales(
        world.installation, **{"from": "2026-11-02", "to": "2026-11-08"}, store="S03", figure="units_sold"
    )
    assert not page.exception
    inside = sales.filter(
        pl.col("sold_on").is_between(dt.date(2026, 11, 2), dt.date(2026, 11, 8)) & (pl.col("store_code") == "S03")
    )
    tiles = {tile.label: tile for tile in tiles_on(page)}
    assert tiles["Units sold"].value == str(inside["sold_qty"].sum())
    earlier = sales.filter(
        pl.col("sold_on").is_between(dt.date(2026, 10, 26), dt.date(2026, 11, 1)) & (pl.col("store_code") == "S03")
    )
    change = inside["sold_qty"].sum() / earlier["sold_qty"].sum() - 1
    assert tiles["Units sold"].change == f"{change * 100:+.1f} %"
    assert page.subheader[0].value == "Units sold"
    page.selectbox(key="category").set_value("Solutions").run()
    assert not page.exception
    assert page.query_params["category"] == "Solutions"
    assert page.query_params["from"] == "2026-11-02"
    assert set(page.dataframe[0].value["category"]) == {"Solutions"}
    nonsense = {"from": "x", "to": "1999-01-01", "store": "?", "figure": "?", "beside": "?"}
    page = site.open_sales(world.installation, **nonsense)
    assert not page.exception
    assert page.subheader[0].value == "Net sales"


def test_cost_figures_are_not_offered_to_who_may_not_see_them() -> None:
    sales = (("report:sales", None),)
    shown = daily_metrics(Scope(None, sees_cost=False, reports=sales))
    assert "gross_margin" not in shown
    assert "cost_of_sales" not in shown
    assert {"gross_margin", "cost_of_sales"} <= set(daily_metrics(Scope(None, sees_cost=True, reports=sales)))
    assert daily_metrics(Scope(None, sees_cost=True)) == {}
