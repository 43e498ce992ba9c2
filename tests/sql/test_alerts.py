"""Alerts of a lake with a few rows: what is raised and what is not, by how much, under which name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.alerts.raising import FAILURES, raise_alerts, tables_read
from warehouse.contracts import contract, create_table
from warehouse.lake import SCHEMAS

AS_OF = dt.date(2024, 4, 17)  # a Wednesday: yesterday was a Tuesday
YESTERDAY = AS_OF - dt.timedelta(days=1)
OF_TYPE = {"VARCHAR": "x", "BOOLEAN": False, "DATE": AS_OF}
NONE = pl.DataFrame(schema=FAILURES)
TABLES = tables_read()


class Lake:
    """The tables that alerts are made of, each without a row."""

    def __init__(self) -> None:
        self.con = duckdb.connect()
        self.con.execute("SET TimeZone = 'UTC'; ATTACH ':memory:' AS lake")
        for schema in SCHEMAS:
            self.con.execute(f"CREATE SCHEMA lake.{schema}")
        for table in TABLES:
            create_table(self.con, table)
        self.put("staging.chain", as_of=AS_OF, data_as_of=AS_OF, currency="EUR")
        self.put("marts.dim_store", store_code="A", is_open=True)

    def put(self, table: str, **given: Any) -> None:
        """A row; what may not be null and is not given is filled in."""
        columns = contract(table).columns
        values = [given.get(c.name, None if c.nullable else OF_TYPE.get(c.type, 0)) for c in columns]
        assert set(given) <= {c.name for c in columns}, set(given) - {c.name for c in columns}
        self.con.execute(f"INSERT INTO lake.{table} VALUES ({', '.join('?' * len(values))})", values)

    def day(self, day: dt.date, amount: float, *, store: str = "A", is_trading: bool = True) -> None:
        self.put("marts.fct_store_days", store_code=store, day_on=day, net_amount=amount, is_trading=is_trading)

    def tuesdays(self, *amounts: float, store: str = "A") -> None:
        """Net sales of yesterday, and of the same weekday 1, 2, 3, … weeks before; None: no trade."""
        for week, amount in enumerate(amounts):
            self.day(YESTERDAY - dt.timedelta(weeks=week), amount or 0, store=store, is_trading=amount is not None)

    def item(self, sku: str = "p", *, price: float = 10, weekly: float = 7, on_hand: int = 0, **plan: Any) -> None:
        """Something that sells `weekly` units a week, that an order of today would bring on 1 May."""
        self.put("marts.dim_product", sku=sku, name=f"Item {sku}", category="c", unit_price=price)
        self.put("marts.dim_assortment", store_code="A", sku=sku, unit_price=price, is_in_assortment=True)
        self.put("marts.fct_inventory_position", store_code="A", sku=sku, on_hand_qty=on_hand, stated_on=AS_OF)
        monday = AS_OF - dt.timedelta(days=AS_OF.weekday())
        for week in range(8):
            mean = weekly * 5 / 7 if week == 0 else weekly  # the first counts from as_of on
            first = monday + dt.timedelta(weeks=week)
            self.put(
                "outputs.forecast_weekly", as_of=AS_OF, store_code="A", sku=sku, week_starting_on=first, mean_qty=mean
            )
        values = {"arrives_on": AS_OF + dt.timedelta(days=14), "reason": "BELOW_TARGET", **plan}
        self.put("outputs.plan", as_of=AS_OF, store_code="A", sku=sku, on_hand=on_hand, **values)

    def alerts(self, known: pl.DataFrame | None = None, failures: pl.DataFrame = NONE) -> list[dict[str, Any]]:
        return raise_alerts(self.con, failures, known).to_dicts()


@pytest.fixture
def lake() -> Iterator[Lake]:
    """An empty one of Wednesday 17 April 2024 with an open store A."""
    opened = Lake()
    yield opened
    opened.con.close()


def test_a_quiet_chain_raises_nothing(lake) -> None:
    lake.tuesdays(100, 100, 100, 100, 100)
    lake.item(on_hand=14)
    assert lake.alerts() == []


@pytest.mark.parametrize(
    ("sold", "severity", "words"),
    [(70, "warn", "30 % below"), (71, None, ""), (50, "severe", "50 % below"), (150, "severe", "50 % above")],
)
def test_sales_off_by_thirty_and_fifty_percent(lake, sold: float, severity: str | None, words: str) -> None:
    lake.tuesdays(sold, 100, 100, 100, 100)
    found = lake.alerts()
    assert [each["severity"] for each in found] == ([severity] if severity else [])
    for alert in found:
        assert alert["title"] == f"Sales on Tuesday were {words} usual"
        assert float(alert["at_stake_amount"]) == abs(sold - 100)
        assert (alert["kind"], alert["currency"], alert["view"]) == ("SALES_OFF", "EUR", "sales")


def test_closed_days_are_no_usual_days_and_three_must_be_found(lake) -> None:
    lake.tuesdays(60, None, 100, None, 100, 100, 100, 1)  # the last four with trade are 100 each
    lake.tuesdays(10, 100, 100, store="B")
    (alert,) = lake.alerts()
    assert (alert["store_code"], float(alert["at_stake_amount"])) == ("A", 40)


def test_a_day_without_trade_is_no_bad_day_and_a_rise_at_a_festival_is_expected(lake) -> None:
    lake.tuesdays(None, 100, 100, 100, 100)
    lake.tuesdays(200, 100, 100, 100, 100, store="B")
    lake.put("marts.dim_date", day_on=YESTERDAY, festival="Diwali")
    lake.con.execute("UPDATE lake.marts.dim_store SET is_open = false")
    assert lake.alerts() == []


amounts = st.lists(st.one_of(st.none(), st.integers(1, 500)), min_size=9, max_size=9)


@given(stores=st.dictionaries(st.sampled_from("ABC"), amounts, min_size=1))
@settings(max_examples=60)
def test_sales_off_is_what_another_computation_gives(stores: dict[str, list[int | None]]) -> None:
    """By polars, from the rows: the mean of the last four such weekdays with trade of eight, where there are three."""
    lake = Lake()
    for store, sold in stores.items():
        lake.tuesdays(*sold, store=store)
    rows = [
        (store, week, amount)
        for store, sold in stores.items()
        for week, amount in enumerate(sold)
        if amount is not None
    ]
    frame = pl.DataFrame(rows, {"store": pl.String, "week": pl.Int64, "amount": pl.Int64}, orient="row").sort("week")
    usual = (
        frame.filter(pl.col("week").is_between(1, 8))
        .group_by("store", maintain_order=True)
        .agg(pl.col("amount").head(4).mean().alias("usual"), pl.len().alias("days"))
        .filter(pl.col("days") >= 3)
    )
    off = (
        frame.filter(pl.col("week") == 0)
        .join(usual, on="store")
        .with_columns(share=pl.col("amount") / pl.col("usual") - 1)
        .filter(pl.col("share").abs() >= 0.3)
    )
    expected = {
        each["store"]: (
            "severe" if abs(each["share"]) >= 0.5 else "warn",
            round(abs(each["amount"] - each["usual"]), 2),
        )
        for each in off.iter_rows(named=True)
    }
    found = [each for each in lake.alerts() if each["kind"] == "SALES_OFF"]
    lake.con.close()
    assert {each["store_code"]: each["severity"] for each in found} == {k: v[0] for k, v in expected.items()}
    for each in found:
        assert float(each["at_stake_amount"]) == pytest.approx(expected[each["store_code"]][1], abs=0.011)


def test_a_stock_out_ahead_is_what_will_be_missed_until_an_order_could_help(lake) -> None:
    lake.item("p", price=10, weekly=7, on_hand=4)  # 14 sell until 1 May
    lake.put("marts.fct_arrivals", store_code="A", sku="p", expected_on=AS_OF + dt.timedelta(days=13), quantity=3)
    lake.put("marts.fct_arrivals", store_code="A", sku="p", expected_on=AS_OF + dt.timedelta(days=14), quantity=9)
    (alert,) = lake.alerts()
    assert alert["title"] == "Runs out in 4 days: Item p"
    assert (alert["severity"], float(alert["at_stake_amount"])) == ("severe", 70)
    assert alert["detail"] == ("14 should sell by 1 May, when an order placed now is there; 4 on hand, 3 due before.")
    assert alert["filters"] == '{"store":"A","sku":"p"}'


def test_stock_for_a_week_only_warns_and_what_leaves_the_range_may_run_out(lake) -> None:
    lake.item("p", on_hand=8)
    lake.item("q", reason="END_OF_RANGE")
    lake.item("r", weekly=0.4)  # less than one sale is missed
    lake.item("s", arrives_on=None, reason="DQ_BLOCKED")
    assert [(each["subject"], each["severity"]) for each in lake.alerts()] == [("p", "warn")]


def test_a_late_order_puts_at_stake_what_stock_cannot_serve(lake) -> None:
    lake.put("marts.dim_vendor", vendor_code="V", name="Frames & Co")
    lake.item("p", price=10, weekly=7, on_hand=20, arrives_on=None)  # 28 in four weeks: 8 are short
    lake.item("q", price=5, weekly=7, on_hand=0, arrives_on=None)  # 28 are short, 2 would come
    for sku, quantity, days in (("p", 30, 3), ("q", 2, 15)):
        late = {"order_ref": "PO-1", "store_code": "A", "vendor_code": "V", "is_open": True}
        on = AS_OF - dt.timedelta(days=days)
        lake.put("marts.fct_purchase_lines", **late, sku=sku, open_qty=quantity, expected_on=on)
    lake.put("marts.fct_purchase_lines", order_ref="PO-2", store_code="A", is_open=True, open_qty=5, expected_on=AS_OF)
    (alert,) = lake.alerts()
    assert alert["title"] == "PO-1 of Frames & Co is 15 days late"
    assert alert["detail"] == "32 units to come in 2 lines, promised for 2 April."
    assert (alert["severity"], float(alert["at_stake_amount"])) == ("severe", 8 * 10 + 2 * 5)


def test_a_biased_segment_is_the_chains_at_its_categorys_price(lake) -> None:
    monday = dt.date(2024, 4, 1)
    lake.item("p", on_hand=99)
    bias = {"segment": "c / smooth", "alert": "BIAS", "since_on": monday, "value": 0.2, "message": "m"}
    lake.put("outputs.forecast_alerts", **bias)
    lake.put("outputs.forecast_alerts", **{**bias, "alert": "DRIFT"})
    for week in range(-1, 2):
        first = monday + dt.timedelta(weeks=week)
        of = {"segment": "c / smooth", "week_starting_on": first, "demand_qty": 50, "mean_qty": 60}
        lake.put("outputs.forecast_monitor", **of)
    lake.put("marts.fct_sales_lines", booked_on=monday, sku="p", store_code="A", net_amount=90, net_qty=10)
    (alert,) = lake.alerts()
    assert (alert["store_code"], alert["title"]) == (None, "Forecasts of c / smooth are 20 % too high")
    assert float(alert["at_stake_amount"]) == 20 * 9
    assert alert["detail"] == "120 units were expected in the last 2 weeks, and 100 asked for."


def test_data_problems_name_their_store_and_the_sales_behind_them(lake) -> None:
    lake.tuesdays(100, 100, 100)
    lake.item("p", weekly=7, price=10, on_hand=3, arrives_on=None)
    lake.put("checks.blocked_days", store_code="A", day_on=YESTERDAY, check_names="c")
    lake.put("checks.blocked_days", store_code="A", day_on=AS_OF - dt.timedelta(days=91), check_names="c")
    lake.put("checks.blocked_pairs", store_code="A", sku="p", check_names="c")
    failed = pl.DataFrame([("raw.sales", "is_sold", "warning", "Mend it", None, 2)], schema=FAILURES, orient="row")
    found = {each["subject"]: each for each in lake.alerts(failures=failed)}
    assert {subject: float(each["at_stake_amount"]) for subject, each in found.items()} == {
        "sales of 2024-04-16": 100, "stock not believed": 280, "raw.sales:is_sold": 0,
    }  # fmt: skip
    assert found["raw.sales:is_sold"]["title"] == "Not so: is sold (2 rows of raw.sales)"
    assert found["raw.sales:is_sold"]["store_code"] is None
    assert found["stock not believed"]["title"] == "1 item gets no order until counted"


def test_a_feed_that_fell_silent_is_told_of_an_open_store(lake) -> None:
    lake.put("marts.dim_store", store_code="B", is_open=False)
    for store in "AB":
        lake.day(AS_OF - dt.timedelta(days=4), 50, store=store)
        old = AS_OF - dt.timedelta(days=9)
        lake.put("marts.fct_inventory_position", store_code=store, sku="p", on_hand_qty=1, stated_on=old)
    found = [(each["subject"], each["severity"], float(each["at_stake_amount"])) for each in lake.alerts()]
    assert found == [("no sales", "warn", 150), ("no stock", "severe", 0)]


def test_alerts_are_ranked_by_money_within_the_store(lake) -> None:
    for number in range(5):
        lake.item(f"p{number}", price=10 * (number % 3 + 1))
    found = lake.alerts()
    assert [each["rank_in_store"] for each in found] == [1, 2, 3, 4, 5]
    money = [each["at_stake_amount"] for each in found]
    assert money == sorted(money, reverse=True)


def test_what_goes_on_keeps_its_name_and_what_came_back_gets_another(lake) -> None:
    lake.item("p")
    (first,) = lake.alerts()
    assert first["alert_ref"] == "STOCK_OUT_AHEAD:A:p:2024-04-17"
    known = pl.DataFrame([first])
    assert lake.alerts(known) == lake.alerts(), "the same day again"
    lake.con.execute("UPDATE lake.staging.chain SET as_of = as_of + 1")
    (next_day,) = lake.alerts(known)
    assert (next_day["alert_ref"], next_day["first_on"]) == (first["alert_ref"], AS_OF)
    (back_again,) = lake.alerts(known.clear())
    assert back_again["alert_ref"] == "STOCK_OUT_AHEAD:A:p:2024-04-18"
    lake.con.execute("UPDATE lake.staging.chain SET as_of = as_of - 8")
    (past,) = lake.alerts(known)
    assert past["first_on"] == AS_OF - dt.timedelta(days=7), "a run for a past day knows nothing of it"


def test_no_alert_tells_a_cost() -> None:
    """Whoever may not see costs sees alerts: they read no column that holds one."""
    from warehouse.alerts import raising

    for part in raising.PARTS:
        assert "cost" not in raising._read(part)
        assert "priority" not in raising._read(part), "the plan's priority rests on margins"
