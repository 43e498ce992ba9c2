"""Sales: what was sold, when, where and of what, beside an earlier period. Figures are the warehouse's metrics."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import Scope, scope_of
from dashboards import palette
from dashboards.figures import Question, ask, daily_metrics, first_month
from dashboards.filters import choose_one, choose_period
from dashboards.header import show_header
from dashboards.members import name_members
from dashboards.messages import say
from dashboards.passport import Passport
from dashboards.periods import choose_grain, days_back, default_period, list_steps
from dashboards.reader import read_places
from dashboards.sales_charts import MOST_BARS, draw_bars, draw_course
from dashboards.sales_table import offer_table, show_table
from dashboards.tile_rows import Tile, show_tiles
from warehouse.formats import format_metric
from warehouse.metrics import Metric

LEAD = "What was sold, when, where and of what. Hover a figure's name for its definition."
PERMISSION, EXPORT = "report:sales", "export:plain"
TILES = ("net_sales", "units_sold", "average_price", "gross_margin", "returns_share")
COMPARISONS = {"before": "the weeks before", "year": "the same weeks last year"}


def show(passport: Passport, user: SignedIn) -> None:
    """The view."""
    scope = scope_of(user, PERMISSION)
    show_header("Sales", LEAD, passport, scope.store_codes)
    first = first_month(passport.snapshot_id, scope)
    if first is None:
        say(
            "No sales yet",
            "The published snapshot holds no sale that you may see. Sales come in with the chain folder: "
            "`sales.csv` (or `sales.parquet`), loaded by `ims import DIR`.",
            "monitoring",
        )
        return
    metrics = daily_metrics(scope)
    question, comparison = _ask_reader(passport, scope, first, metrics)
    _show_tiles(question, comparison, passport, scope, metrics)
    metric = metrics[question.names[0]]
    words = _words(metric, passport)
    st.subheader(metric.label, anchor=False, help=metric.description)
    _show_course(question, comparison, passport, scope, words)
    left, right = st.columns(2, gap="large")
    for place, dimension in ((left, "store"), (right, "category")):
        rows = ask(passport.snapshot_id, scope, question.split_by(dimension))
        with place:
            more = f" (the {MOST_BARS} largest of {rows.height})" if rows.height > MOST_BARS else ""
            st.markdown(f"**{metric.label} by {dimension}**{more}")
            labels = name_members(dimension, rows[dimension], passport.snapshot_id, scope, user)
            values = [None if value is None else float(value) for value in rows[metric.name]]
            palette.show(draw_bars(labels, values, words), key=f"bars-{dimension}")
    show_table(user, question, passport, scope, metrics)
    offer_table(user, question, passport, PERMISSION, EXPORT)


def _ask_reader(passport: Passport, scope: Scope, first: dt.date, metrics: dict[str, Metric]) -> tuple[Question, str]:
    stores, categories = read_places(passport.snapshot_id, scope)
    last = passport.data_as_of - dt.timedelta(days=1)
    columns = st.columns([1.3, 1, 1, 1, 1.2])
    begin, end = choose_period(columns[0], "Days", default_period(passport.data_as_of, first), first, last)
    store = choose_one(columns[1], "Store", "All stores", list(stores), "store", lambda code: _place_name(code, stores))
    category = choose_one(columns[2], "Category", "All categories", categories, "category")
    options = list(metrics)
    usual = _usual_figure(passport, scope)
    name = choose_one(columns[3], "Figure", metrics[usual].label, options, "figure", lambda name: metrics[name].label)
    comparison = choose_one(
        columns[4], "Beside", "The weeks before", list(COMPARISONS), "beside", lambda key: COMPARISONS[key].capitalize()
    )
    return Question((name or usual,), (), begin, end, store, category), comparison or "before"


def _usual_figure(passport: Passport, scope: Scope) -> str:
    """Net sales, or units where the chain records no amounts."""
    whole = ask(passport.snapshot_id, scope, Question(("net_sales",)))
    return "units_sold" if whole["net_sales"][0] is None else "net_sales"


def _show_tiles(
    question: Question, comparison: str, passport: Passport, scope: Scope, metrics: dict[str, Metric]
) -> None:
    names = tuple(name for name in TILES if name in metrics)
    assert question.begin is not None
    assert question.end is not None
    asked = Question(names, (), question.begin, question.end, question.store, question.category)
    back = days_back(question.begin, question.end, comparison)
    now = ask(passport.snapshot_id, scope, asked).row(0, named=True)
    before = ask(passport.snapshot_id, scope, asked.moved_back(back)).row(0, named=True)
    known = [name for name in names if now[name] is not None or before[name] is not None]
    show_tiles(
        [
            Tile(
                metric.label,
                format_metric(now[metric.name], metric.unit, passport.currency, compact=True),
                metric.description,
                _change(now[metric.name], before[metric.name], metric.unit),
                metric.better,
            )
            for metric in (metrics[name] for name in known)
        ]
    )
    st.caption(f"Change against {COMPARISONS[comparison]}, same weekdays.")


def _change(now: float | None, before: float | None, unit: str) -> str | None:
    if now is None or before is None or not before:
        return None
    if unit == "share":
        return f"{(float(now) - float(before)) * 100:+.1f} points"
    return f"{(float(now) / float(before) - 1) * 100:+.1f} %"


def _show_course(
    question: Question, comparison: str, passport: Passport, scope: Scope, words: Callable[[float], str]
) -> None:
    assert question.begin is not None
    assert question.end is not None
    grain = choose_grain(question.begin, question.end, passport.sales_grain)
    earlier = question.moved_back(days_back(question.begin, question.end, comparison))
    assert earlier.begin is not None
    assert earlier.end is not None
    steps = list_steps(question.begin, question.end, grain)
    earlier_steps = list_steps(earlier.begin, earlier.end, grain)[: len(steps)]
    series = []
    for asked, days in ((question, steps), (earlier, earlier_steps)):
        rows = ask(passport.snapshot_id, scope, asked.split_by(grain))
        found = dict(zip(rows[grain].to_list(), rows[question.names[0]].to_list(), strict=True))
        series.append([None if found.get(day) is None else float(found[day]) for day in days])
    steps = steps[: len(earlier_steps)]
    figure = draw_course(
        steps,
        series[0][: len(steps)],
        earlier_steps,
        series[1],
        f"By {grain}",
        COMPARISONS[comparison].capitalize(),
        words,
    )
    palette.show(figure, key="course")


def _words(metric: Metric, passport: Passport) -> Callable[[float], str]:
    return lambda value: format_metric(value, metric.unit, passport.currency, compact=True)


def _place_name(code: str, names: dict[str, str]) -> str:
    return f"{code} · {names[code]}" if code in names else code
