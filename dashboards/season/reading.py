"""Gathers what a season of a category is planned from: figures of the metric layer, published totals, the calendar."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl
import streamlit as st

from api.identity.scope import Scope
from dashboards.figures import Question, ask, may_see
from dashboards.installation import given_databases
from dashboards.passport import Passport
from dashboards.reader import lake_at, read_places
from models.policy.season_plan import Plan, Season, plan_season
from models.policy.season_shape import History, Outlook
from models.policy.seasons_ahead import Ahead, list_seasons
from warehouse.catalogue import catalogue
from warehouse.season import read_aligned_weeks, read_festivals, read_order_budget, read_outlook

YEARS_BACK = dt.timedelta(weeks=112)  # a rule that looks a year back is tried on half a year, from a quarter before it
PRICED_DAYS = 91
PRICES = {"unit_price": "average_price", "unit_cost": "average_cost"}


@dataclass(frozen=True)
class Basis:
    """Everything of a category; `stores` by code are those of the plan."""

    history: History
    outlook: Outlook
    stock: pl.DataFrame
    seasons: list[Ahead]

    def plan(self, season: Season) -> Plan:
        """The plan of the season."""
        return plan_season(self.history, self.outlook, self.stock, season)


def list_categories(passport: Passport, scope: Scope) -> list[str]:
    """Categories of the chain, what sold most of late first."""
    begin = passport.data_as_of - dt.timedelta(days=PRICED_DAYS)
    sold = ask(passport.snapshot_id, scope, Question(("units_sold",), ("category",), begin, passport.data_as_of))
    ranked = sold.drop_nulls().sort("units_sold", "category", descending=[True, False])["category"].to_list()
    _, known = read_places(passport.snapshot_id, scope)
    return [*ranked, *(name for name in known if name and name not in ranked)]


def gather(passport: Passport, scope: Scope, category: str, store: str | None) -> Basis:
    """What the category is planned from, of one store or of all in the scope."""
    snapshot, as_of = passport.snapshot_id, passport.data_as_of
    lake = given_databases().lake
    names, _ = read_places(snapshot, scope)
    monday = as_of - dt.timedelta(days=as_of.weekday())
    weekly = Question(("demand_units",), ("store", "week"), monday - YEARS_BACK, as_of, store, category, clock="week")
    asked = ask(snapshot, scope, weekly).rename({"store": "store_code", "week": "week_starting_on"})
    history = History(
        asked.select("store_code", "week_starting_on", pl.col("demand_units").cast(pl.Float64).alias("demand_qty")),
        _lost(passport, scope, category, store),
        _aligned(lake, snapshot),
    )
    outlook = _outlook(lake, snapshot, category)
    told = pl.col("store_code").is_null() | pl.col("store_code").is_in([store] if store else list(names))
    stock = _stock(passport, scope, category, store, list(names))
    seasons = list_seasons(history, _festivals(lake, snapshot, as_of), as_of)
    return Basis(history, Outlook(outlook.filter(told), as_of), stock, seasons)


def read_budget(passport: Passport) -> float | None:
    """What the orders of one run may cost together; None without such a limit."""
    return _budget(given_databases().lake, passport.snapshot_id)


def _lost(passport: Passport, scope: Scope, category: str, store: str | None) -> pl.DataFrame:
    schema = {"store_code": pl.String, "month_on": pl.Date, "lost_qty": pl.Float64}
    if not may_see(catalogue()["lost_units"], scope):
        return pl.DataFrame(schema=schema)
    question = Question(("lost_units",), ("store", "month"), store=store, category=category)
    found = ask(passport.snapshot_id, scope, question)
    return found.rename({"store": "store_code", "month": "month_on", "lost_units": "lost_qty"}).cast(schema)  # type: ignore[arg-type]


def _stock(passport: Passport, scope: Scope, category: str, store: str | None, names: list[str]) -> pl.DataFrame:
    """A row per store that has stock or sales of the category: on_hand, on_order, unit_price, unit_cost."""
    snapshot = passport.snapshot_id
    there = Question(("stock_on_hand", "stock_on_order"), ("store",), store=store, category=category)
    begin, end = passport.data_as_of - dt.timedelta(days=PRICED_DAYS), passport.data_as_of - dt.timedelta(days=1)
    sees = {name: figure for name, figure in PRICES.items() if may_see(catalogue()[figure], scope)}
    sold = Question(("units_sold", *sees.values()), ("store",), begin, end, store, category)
    whole = ask(snapshot, scope, sold.split_by()).row(0, named=True)
    known = {"on_hand": "stock_on_hand", "on_order": "stock_on_order"} | sees
    rows = (
        ask(snapshot, scope, there)
        .join(ask(snapshot, scope, sold), on="store", how="full", coalesce=True)
        .rename({"store": "store_code"} | {figure: name for name, figure in known.items()})
        .filter(pl.col("store_code").is_in(names))
        .sort("store_code")
    )
    # what a store has not sold of late has the price that it has elsewhere
    prices = [
        pl.col(name).cast(pl.Float64).fill_null(whole[sees[name]]).alias(name)
        if name in sees
        else pl.lit(None, dtype=pl.Float64).alias(name)
        for name in PRICES
    ]
    return rows.with_columns(prices).select("store_code", "on_hand", "on_order", *PRICES)


@st.cache_data(show_spinner=False, max_entries=200)
def _outlook(lake: str, snapshot_id: int, category: str) -> pl.DataFrame:
    return read_outlook(lake_at(snapshot_id), category)


@st.cache_data(show_spinner=False, max_entries=10)
def _aligned(lake: str, snapshot_id: int) -> dict[dt.date, dt.date]:
    return read_aligned_weeks(lake_at(snapshot_id))


@st.cache_data(show_spinner=False, max_entries=10)
def _festivals(lake: str, snapshot_id: int, as_of: dt.date) -> list[tuple[str, dt.date]]:
    return read_festivals(lake_at(snapshot_id), as_of)


@st.cache_data(show_spinner=False, max_entries=10)
def _budget(lake: str, snapshot_id: int) -> float | None:
    return read_order_budget(lake_at(snapshot_id))
