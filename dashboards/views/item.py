"""Forecast of an item: what is wanted of it in the next weeks, how sure that is, and what the model saw."""

from __future__ import annotations

import datetime as dt
from functools import partial

import polars as pl
import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import Scope, scope_of
from dashboards import palette
from dashboards.downloads import write_csv, write_table
from dashboards.figures import Question, ask
from dashboards.files import TYPES, File, offer
from dashboards.filters import choose_one
from dashboards.header import show_header
from dashboards.installation import given_databases
from dashboards.messages import say, say_no_store
from dashboards.passport import Passport
from dashboards.problems import literal
from dashboards.projection import first_empty_day, project_stock
from dashboards.reader import lake_at, read_arrivals, read_forecast, read_history, read_places
from dashboards.receipt_charts import draw_demand
from dashboards.tile_rows import Tile, show_tiles
from dashboards.trust.words import method
from warehouse.catalogue import catalogue
from warehouse.formats import count_of, format_day, format_number, format_units
from warehouse.item_forecast import Seen, list_items, read_seen

PERMISSION, EXPORT = "forecast:read", "export:plain"
AHEAD = "forecast_28d_units"
TITLE, LEAD = "Forecast of an item", "What is wanted of it in the next weeks, and how sure is that?"
LABELS = {
    "week_starting_on": "Week from",
    "mean_qty": "Expected",
    "p10": "1 in 10 below",
    "p50": "Half below",
    "p90": "9 in 10 below",
    "method": "Method",
}


def show(passport: Passport, user: SignedIn) -> None:
    """The view."""
    scope = scope_of(user, PERMISSION)
    show_header(TITLE, LEAD, passport, scope.store_codes)
    stores, _ = read_places(passport.snapshot_id, scope)
    if not stores:
        say_no_store()
        return
    left, middle, right = st.columns([1, 1, 2])
    store = choose_one(
        left, "Store", _named(stores, next(iter(stores))), list(stores), "store", partial(_named, stores)
    )
    store = store or next(iter(stores))
    items = _items(given_databases().lake, passport.snapshot_id, store)
    if items.is_empty():
        say(
            "No forecast here",
            "The published run forecast no item of this store: nothing of it is ranged.",
            "query_stats",
        )
        return
    categories = sorted(items["category"].drop_nulls().unique())
    category = choose_one(middle, "Category", "All categories", categories, "category")
    chosen = items if category is None else items.filter(pl.col("category") == category)
    names = dict(zip(chosen["sku"], chosen["name"], strict=True))
    # what is made to order is wanted most and lies nowhere: a shelf is what one looks after
    on_the_shelf = chosen.filter(pl.col("on_hand_qty") > 0)["sku"]
    first = next(iter(on_the_shelf), None) or next(iter(names))
    sku = choose_one(
        right, "Item, the most wanted first", _named(names, first), list(names), "sku", partial(_named, names)
    )
    _show_item(passport, user, scope, store, sku or first)


def _show_item(passport: Passport, user: SignedIn, scope: Scope, store: str, sku: str) -> None:
    history = read_history(passport.snapshot_id, store, sku, passport.data_as_of)
    forecast = read_forecast(passport.snapshot_id, store, sku)
    seen = _seen(given_databases().lake, passport.snapshot_id, store, sku)
    weekly = dict(zip(forecast["week_starting_on"].to_list(), forecast["mean_qty"].to_list(), strict=True))
    due = [(day, float(units)) for day, units in read_arrivals(passport.snapshot_id, store, sku).rows()]
    asked = Question((AHEAD,), store=store, where=(("sku", sku),))
    wanted = ask(passport.snapshot_id, scope, asked)[AHEAD][0]
    _show_tiles(passport, seen, wanted, weekly, due)
    figure = draw_demand(history, forecast, passport.data_as_of)
    figure.update_layout(height=420)
    palette.show(figure, key=f"fan-{store}-{sku}", alt="A year of demand and the forecast")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**What the model saw**")
        st.markdown("\n".join(f"- {line}" for line in describe_seen(seen, forecast)))
    with right:
        st.markdown("**Week by week**")
        st.dataframe(
            forecast.select(list(LABELS)).drop("method").to_pandas(),
            hide_index=True,
            column_config={
                name: st.column_config.DateColumn(label, format="D MMM YYYY")
                if name == "week_starting_on"
                else st.column_config.NumberColumn(label, format="%.1f")
                for name, label in LABELS.items()
            },
            alt="The forecast week by week",
        )
        _offer(user, passport, store, sku)


def _show_tiles(
    passport: Passport, seen: Seen, wanted: float | None, weekly: dict[dt.date, float], due: list[tuple[dt.date, float]]
) -> None:
    end = max([*weekly, passport.data_as_of]) + dt.timedelta(days=7)
    ahead = "–" if wanted is None else format_units(wanted)
    on_hand = "–" if seen.on_hand is None else format_number(seen.on_hand)
    when = f"Next on {format_day(due[0][0])}." if due else "Nothing is on order."
    gone = None
    if seen.on_hand is not None:
        gone = first_empty_day(project_stock(seen.on_hand, weekly, due, passport.data_as_of, end))
    show_tiles(
        [
            Tile("Wanted in four weeks", ahead, catalogue()[AHEAD].description),
            Tile("On hand", on_hand, "At the opening of the day the data end."),
            Tile("On order", format_number(seen.on_order), when),
            Tile(
                "Gone on",
                "–" if seen.on_hand is None else "not in sight" if gone is None else f"{gone.day} {gone:%b}",
                "When stock and what is on order are used up at the expected demand; nothing further ordered.",
            ),
        ]
    )


def describe_seen(seen: Seen, forecast: pl.DataFrame) -> list[str]:
    """Lines that say what the forecast rests on."""
    if not seen.weeks:
        lines = ["No complete week of it in this store: the forecast leans on its category and on like items."]
    else:
        part = seen.weeks - seen.full_weeks - seen.empty_weeks
        lines = [f"{count_of(seen.weeks, 'complete week')}, {format_number(seen.sold_qty)} units sold in them."]
        if seen.empty_weeks or part:
            lines.append(
                f"{count_of(seen.empty_weeks, 'week')} it was never on the shelf and {count_of(part, 'week')} not "
                "always: these say nothing, or only that demand was no less."
            )
    if seen.last_sold_on:
        lines.append(f"Last sold in the week of {format_day(seen.last_sold_on)}.")
    if seen.launched_on:
        lines.append(f"Launched {format_day(seen.launched_on)}.")
    if seen.predecessor:
        lines.append(f"It took the place of {literal(seen.predecessor)}, whose demand it begins with.")
    if seen.discontinued_on:
        lines.append(f"Discontinued from {format_day(seen.discontinued_on)}.")
    methods = forecast["method"].unique(maintain_order=True).to_list()
    if methods:
        lines.append(f"Forecast by: {', '.join(method(each).lower() for each in methods)}.")
    return lines


def _offer(user: SignedIn, passport: Passport, store: str, sku: str) -> None:
    about = {"store": store, "sku": sku}

    def write(form: str, scope: Scope) -> tuple[bytes, int]:
        frame = read_forecast(passport.snapshot_id, store, sku) if scope.allows(store) else pl.DataFrame()
        return write_csv(frame) if form == "csv" else write_table(frame, LABELS, passport, about), frame.height

    stem = f"forecast-{store}-{sku}-snapshot-{passport.snapshot_id}".replace("/", "_")
    files = [File("forecast", f"{stem}.{form}", PERMISSION, EXPORT, partial(write, form), about) for form in TYPES]
    if files[0].may_be_taken(user):
        with st.container(horizontal=True):
            for label, file in zip(("CSV", "Excel"), files, strict=True):
                offer(label, file)


def _named(names: dict[str, str], code: str) -> str:
    return f"{code} · {names[code]}"


@st.cache_data(show_spinner=False, max_entries=100)
def _items(lake: str, snapshot_id: int, store: str) -> pl.DataFrame:
    return list_items(lake_at(snapshot_id), store)


@st.cache_data(show_spinner=False, max_entries=500)
def _seen(lake: str, snapshot_id: int, store: str, sku: str) -> Seen:
    return read_seen(lake_at(snapshot_id), store, sku)
