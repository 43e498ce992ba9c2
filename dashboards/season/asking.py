"""What the reader supposes: which weeks, how much more than expected, how surely it shall last; all in the address."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import streamlit as st

from dashboards.filters import choose_one
from models.policy.season_plan import Season
from models.policy.seasons_ahead import AHEAD, Ahead

LEVELS = (50, 70, 80, 85, 90, 95, 98, 99)
UPLIFTS = tuple(range(-50, 105, 5))
USUAL_LEVEL, USUAL_UPLIFT = 90, 0


def suppose(chosen: Ahead, as_of: dt.date) -> Season:
    """Four inputs and what they say; without a week of one's own it is the chosen season's."""
    monday = as_of - dt.timedelta(days=as_of.weekday())
    weeks = [monday + dt.timedelta(weeks=at) for at in range(1, AHEAD + 1)]
    _forget_weeks_of_another(chosen.key)
    places = st.columns([1, 1, 2, 2], gap="medium")
    first = _choose_week(places[0], "First week", chosen.first, weeks, "begin")
    last = _choose_week(places[1], "Last week", chosen.last, weeks, "end")
    uplift = _choose(places[2], "More than expected", "uplift", UPLIFTS, USUAL_UPLIFT, "{:+d} %")
    level = _choose(places[3], "Shall last with", "level", LEVELS, USUAL_LEVEL, "{} %")
    return Season(first, max(first, last), uplift / 100, level / 100)


def _forget_weeks_of_another(season: str) -> None:
    if st.session_state.setdefault("season_of_weeks", season) != season:
        st.session_state["season_of_weeks"] = season
        for end in ("begin", "end"):
            st.session_state.pop(end, None)
            st.query_params.pop(end, None)


def _choose_week(place: object, label: str, own: dt.date, weeks: Sequence[dt.date], key: str) -> dt.date:
    by_name = {week.isoformat(): week for week in weeks}
    chosen = choose_one(place, label, _spell(own), list(by_name), key, lambda name: _spell(by_name[name]))
    return own if chosen is None else by_name[chosen]


def _spell(day: dt.date) -> str:
    return f"{day.day} {day:%b %Y}"


def _choose(place: object, label: str, key: str, options: Sequence[int], usual: int, words: str) -> int:
    if key not in st.session_state:
        asked = st.query_params.get(key)
        st.session_state[key] = next((option for option in options if str(option) == asked), usual)
    found: int = place.select_slider(label, options, key=key, format_func=words.format)  # type: ignore[attr-defined]
    if found == usual:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = str(found)
    return found
