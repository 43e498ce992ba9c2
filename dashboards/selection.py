"""What the reader of a board has chosen: days, comparison and fixed dimensions; all of it stands in the address.

A link shows the same view to someone else, and digging on is fixing one more dimension. Bad parameters are as none.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import streamlit as st

from api.identity.scope import Scope
from dashboards.board import Board, can_be_fixed
from dashboards.figures import Question
from dashboards.filters import choose_one, choose_period
from dashboards.members import spell
from dashboards.passport import Passport
from dashboards.periods import SPANS, days_of
from dashboards.reader import read_places, read_values
from warehouse.catalogue import Metric

OWN_DAYS = "days"
BESIDE = {
    "previous": "the days before",
    "last_year": "the same days last year",
    "last_year_aligned": "last year, festivals aligned",
    "target": "the target",
}


@dataclass(frozen=True)
class Selection:
    """The days (both included), what they are set beside, and the dimensions that are fixed."""

    begin: dt.date
    end: dt.date
    beside: str
    where: tuple[tuple[str, str], ...] = ()

    @property
    def fixed(self) -> frozenset[str]:
        """The names of the dimensions that are fixed."""
        return frozenset(name for name, _ in self.where)

    def question(self, metrics: list[Metric], by: tuple[str, ...] = (), *, beside: bool = False) -> Question:
        """These figures as the selection limits them; all of them go by one clock."""
        (clock,) = {clock_of(metric) for metric in metrics}
        return Question(
            tuple(metric.name for metric in metrics),
            by,
            self.begin if clock else None,
            self.end if clock else None,
            where=self.where,
            clock=clock or "day",
            beside=self.beside if beside and clock == "day" else None,
        )

    def fits(self, metric: Metric) -> bool:
        """Whether the figure can be limited by all that is fixed."""
        return self.fixed <= set(metric.dimensions)


def clock_of(metric: Metric) -> str | None:
    """The finest time the figure knows; None where it speaks of one moment, the data's as-of."""
    return next((grain for grain in ("day", "week", "month") if grain in metric.dimensions), None)


def choose(board: Board, passport: Passport, scope: Scope, first: dt.date) -> Selection:
    """The bar of filters, and what it says."""
    names, _ = read_places(passport.snapshot_id, scope)
    columns = st.columns([1.2, *(1.0 for _ in board.filters), 1.2])
    begin, end = _choose_days(columns[0], board, passport, first)
    where = []
    for place, dimension in zip(columns[1:-1], board.filters, strict=True):
        values = list(names) if dimension == "store" else read_values(passport.snapshot_id, scope, dimension)
        words = (lambda code: f"{code} · {names[code]}") if dimension == "store" else str
        chosen = choose_one(place, dimension.capitalize(), f"All {_many(dimension)}", values, dimension, words)
        if chosen is not None:
            where.append((dimension, chosen))
    sides = {key: _title(words) for key, words in BESIDE.items()}
    beside = choose_one(columns[-1], "Beside", sides[board.beside], list(sides), "beside", lambda key: sides[key])
    where += _show_dug(board)
    return Selection(begin, end, beside or board.beside, tuple(where))


def dig(level: str, value: str) -> None:
    """Fix one dimension more; for a callback, before the page is drawn anew."""
    st.session_state[level] = value
    st.query_params[level] = value


def _choose_days(place: object, board: Board, passport: Passport, first: dt.date) -> tuple[dt.date, dt.date]:
    asked = {"from", "to"} & set(st.query_params)
    if asked and "span" not in st.session_state:
        st.session_state["span"] = OWN_DAYS
    words = SPANS | {OWN_DAYS: "Days of my own"}
    span = choose_one(place, "Period", SPANS[board.span], list(words), "span", lambda key: words[key]) or board.span
    if span != OWN_DAYS:
        for key in ("from", "to"):
            st.query_params.pop(key, None)
        return days_of(span, passport.data_as_of, first)
    usual = days_of(board.span, passport.data_as_of, first)
    return choose_period(place, "Days", usual, first, passport.data_as_of - dt.timedelta(days=1))


def _show_dug(board: Board) -> list[tuple[str, str]]:
    """What was dug into beyond the filters, each with a way back."""
    levels = dict.fromkeys(level for block in board.blocks for level in block.levels)
    dug = []
    for level in levels:
        value = st.session_state.get(level) or st.query_params.get(level)
        if level in board.filters or not can_be_fixed(level) or not value:
            continue
        dug.append((level, str(value)))
    if dug:
        with st.container(horizontal=True, gap="small"):
            for level, value in dug:
                st.button(
                    f"{spell(level).capitalize()}: {value}",
                    icon=":material/close:",
                    key=f"dug-{level}",
                    on_click=_climb,
                    args=(level,),
                    help="Show all again",
                )
    return dug


def _climb(level: str) -> None:
    st.session_state.pop(level, None)
    st.query_params.pop(level, None)


def _title(words: str) -> str:
    """`Same days last year`: it has to fit half a phone's width."""
    words = words.removeprefix("the ")
    return words[:1].upper() + words[1:]


def _many(dimension: str) -> str:
    return f"{dimension[:-1]}ies" if dimension.endswith("y") else f"{dimension}s"
