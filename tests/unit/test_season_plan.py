"""The season planner: worked numbers, last year's shape beyond the forecast, and what no what-if may do."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.policy.season_plan import Season, plan_season
from models.policy.season_shape import History, Outlook, expect_weeks
from models.policy.seasons_ahead import list_seasons

AS_OF = dt.date(2026, 11, 23)  # a Monday
NEXT = AS_OF + dt.timedelta(weeks=1)
FAR = AS_OF + dt.timedelta(weeks=20)
LOST = {"store_code": pl.String, "month_on": pl.Date, "lost_qty": pl.Float64}
OUTLOOK = {"store_code": pl.String, "week_starting_on": pl.Date}
OUTLOOK |= dict.fromkeys(["mean_qty", "p10", "p90"], pl.Float64)
ASKED = {"store_code": pl.String, "week_starting_on": pl.Date, "demand_qty": pl.Float64}


def weeks_back(count: int) -> list[dt.date]:
    return [AS_OF - dt.timedelta(weeks=at) for at in range(count, 0, -1)]


def history(asked, lost=(), aligned=None) -> History:
    return History(
        pl.DataFrame(asked, ASKED, orient="row"), pl.DataFrame(list(lost), LOST, orient="row"), aligned or {}
    )


def even(level: float = 10.0, weeks: int = 120, store: str = "S01") -> list[tuple[str, dt.date, float]]:
    return [(store, week, level) for week in weeks_back(weeks)]


def outlook(means: dict[str, float], weeks: int = 4, width: float = 0.0) -> Outlook:
    rows = [
        (store, AS_OF + dt.timedelta(weeks=at), mean, mean - width, mean + width)
        for store, mean in [*means.items(), (None, sum(means.values()))]
        for at in range(weeks)
    ]
    return Outlook(pl.DataFrame(rows, OUTLOOK, orient="row"), AS_OF)


def stock(**there: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "store_code": list(there),
            "on_hand": list(there.values()),
            "on_order": 0,
            "unit_price": 100.0,
            "unit_cost": 40.0,
        },
        schema_overrides={"on_hand": pl.Int64, "on_order": pl.Int64},
    )


def test_the_worked_number_of_the_plan() -> None:
    season = Season(NEXT, NEXT + dt.timedelta(weeks=2), service_level=0.9)
    plan = plan_season(history(even()), outlook({"S01": 20.0}), stock(S01=50), season)
    store = plan.stores.row(0, named=True)
    assert (store["planned_qty"], store["before_qty"], store["left_qty"]) == (60, 20, 30)
    assert store["needed_qty"] == 70  # the 90 % quantile of a Poisson count of 60
    assert store["buy_qty"] == 40
    assert (store["buy_cost_amount"], store["buy_price_amount"]) == (1600, 4000)
    assert plan.total["buy_qty"] == 40


def test_beyond_the_forecast_the_year_before_gives_the_shape_and_of_late_the_level() -> None:
    """10 a week of late; the category's week a year ago asked for 150, its like of the recent weeks for 100: 15."""
    like = FAR - dt.timedelta(weeks=52)
    old = [("S02", week, 90.0) for week in weeks_back(120)]
    asked = [(store, week, units) for store, week, units in even() + old if week != like]
    asked += [("S01", like, 15.0), ("S02", like, 135.0)]
    found = expect_weeks(history(asked), outlook({"S01": 10.0, "S02": 90.0}), ["S01", "S02"], [FAR])
    assert found.mean[:, 0] == pytest.approx([15.0, 135.0])
    assert found.last_year_on == [like]
    assert found.is_forecast == [False]


def test_a_store_without_a_year_behind_it_has_the_category_s_shape() -> None:
    like = FAR - dt.timedelta(weeks=52)
    old = [("S02", week, 200.0 if week == like else 100.0) for week in weeks_back(120)]
    new = [("S09", week, 8.0) for week in weeks_back(13)]
    found = expect_weeks(history(old + new), outlook({"S02": 100.0}), ["S09"], [FAR])
    # the category of a year ago had no S09: 8 x 200 / 100
    assert found.mean[0, 0] == pytest.approx(16.0)


def test_festivals_are_aligned_and_lost_units_stand_beside_what_was_sold() -> None:
    like = AS_OF - dt.timedelta(weeks=50)
    month = like.replace(day=1)
    days = (month + dt.timedelta(days=31)).replace(day=1) - month
    gone = [("S01", month, float(days.days))]  # one a day
    plan = plan_season(history(even(), gone, {NEXT: like}), outlook({"S01": 10.0}), stock(S01=0), Season(NEXT, NEXT))
    week = plan.weeks.row(0, named=True)
    inside = len([at for at in range(7) if (like + dt.timedelta(days=at)).month == month.month])
    assert (week["last_year_on"], week["last_qty"], week["last_lost_qty"]) == (like, 10.0, pytest.approx(inside))


def test_units_that_lie_in_a_warehouse_are_moved_before_any_is_bought() -> None:
    season = Season(NEXT, NEXT, service_level=0.5)
    plan = plan_season(history(even()), outlook({"S01": 20.0}), stock(S01=0, WH=15), season)
    assert plan.stores["buy_qty"].to_list() == [20, 0]
    assert (plan.total["moved_qty"], plan.total["buy_qty"], plan.total["buy_cost_amount"]) == (15, 5, 200)


def test_scatter_that_stores_share_does_not_average_out() -> None:
    season = Season(NEXT, NEXT + dt.timedelta(weeks=2))
    narrow = plan_season(history(even()), outlook({"S01": 100.0}), stock(S01=0), season)
    wide = plan_season(history(even()), outlook({"S01": 100.0}, width=40.0), stock(S01=0), season)
    assert wide.total["high_qty"] - wide.total["low_qty"] > 3 * (narrow.total["high_qty"] - narrow.total["low_qty"])
    assert wide.total["needed_qty"] > narrow.total["needed_qty"]


@settings(max_examples=40)
@given(
    uplift=st.floats(-1, 3),
    level=st.floats(0.05, 0.99),
    on_hand=st.integers(0, 500),
    mean=st.floats(0, 300),
    weeks=st.integers(0, 30),
)
def test_more_stock_is_never_more_to_buy_and_nothing_is_below_nought(uplift, level, on_hand, mean, weeks) -> None:
    season = Season(NEXT, NEXT + dt.timedelta(weeks=weeks), uplift, level)
    past, ahead = history(even(mean)), outlook({"S01": mean}, width=mean / 4)
    plan = plan_season(past, ahead, stock(S01=on_hand), season)
    more = plan_season(past, ahead, stock(S01=on_hand + 50), season)
    assert 0 <= more.total["buy_qty"] <= plan.total["buy_qty"]
    assert plan.total["low_qty"] <= plan.total["high_qty"]
    assert not plan.stores.null_count().sum_horizontal()[0]
    surer = plan_season(past, ahead, stock(S01=on_hand), Season(season.first, season.last, uplift, 0.995))
    assert surer.total["buy_qty"] >= plan.total["buy_qty"]


def test_seasons_are_the_next_quarter_festivals_within_a_year_and_the_strongest_weeks() -> None:
    diwali = ("Diwali", dt.date(2027, 10, 29))
    strong = [AS_OF - dt.timedelta(weeks=30) + dt.timedelta(weeks=at) for at in range(8)]
    asked = [(store, week, 50.0 if week in strong else units) for store, week, units in even()]
    found = {
        each.key: each for each in list_seasons(history(asked), [diwali, ("Diwali", dt.date(2028, 10, 17))], AS_OF)
    }
    assert list(found) == ["next", "diwali-2027", "peak"]
    assert (found["diwali-2027"].first, found["diwali-2027"].last) == (dt.date(2027, 9, 27), dt.date(2027, 11, 1))
    assert found["peak"].first == strong[0] + dt.timedelta(weeks=52)
    assert [each.key for each in list_seasons(history([]), [], AS_OF)] == ["next"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": NEXT, "last": AS_OF},
        {"first": AS_OF + dt.timedelta(days=1), "last": NEXT},
        {"first": NEXT, "last": NEXT, "service_level": 1.0},
        {"first": NEXT, "last": NEXT, "uplift": -1.5},
    ],
)
def test_what_is_no_season_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"season|level"):
        Season(**wrong)
