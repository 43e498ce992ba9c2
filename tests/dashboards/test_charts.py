"""Every chart is what Plotly's reference allows: the pages draw without Plotly's checks, which are made here."""

from __future__ import annotations

import datetime as dt

import plotly.graph_objects as go
import plotly.io as pio
import polars as pl
import pytest

from api.pipeline_runs import Step
from dashboards import palette
from dashboards.charts.bridge import draw_bridge
from dashboards.charts.heat import draw_heat
from dashboards.charts.multiples import draw_multiples
from dashboards.charts.pareto import draw_pareto
from dashboards.charts.powers import draw_powers
from dashboards.projection import Course
from dashboards.quality.course import draw_runs
from dashboards.receipt_charts import draw_demand, draw_stock
from dashboards.runs.charts import draw_durations, draw_steps
from dashboards.sales_charts import draw_bars, draw_course
from dashboards.season.charts import draw_season
from dashboards.trust.charts import draw_ablation, draw_replays, draw_weeks

DAYS = [dt.date(2026, 3, 2) + dt.timedelta(7 * week) for week in range(4)]
GAP = [None, 2.0, -1.0, 4.0]
FULL = [1.0, 2.0, 0.0, 4.0]
NAMES = ["S1", "S2", "S3", "S4"]
BEGAN = dt.datetime(2026, 3, 2, 4)
RUN = {"started_at": BEGAN, "seconds": 90.0, "state": "failed", "blocking": 1, "warning": 0, "info": 2, "waived": 0}
HISTORY = pl.DataFrame(
    {"week_starting_on": DAYS, "demand_qty": FULL, "in_stock_share": [1.0, 0.4, 1.0, 1.0], "is_complete": [True] * 4}
)
FORECAST = pl.DataFrame({"week_starting_on": DAYS} | dict.fromkeys(("p05", "p25", "mean_qty", "p75", "p95"), FULL))
SEASON = pl.DataFrame(
    {"week_starting_on": DAYS, "last_year_on": DAYS, "is_forecast": [True, True, False, False]}
    | dict.fromkeys(("last_qty", "last_lost_qty", "mean_qty", "low_qty", "high_qty"), FULL)
)
LINE = {"arrives_on": DAYS[1], "covers_until": DAYS[2], "suggested_qty": 1200}
CHARTS = {
    "course": lambda: draw_course(DAYS, FULL, DAYS, GAP, "now", "then", str),
    "course with a gap": lambda: draw_course(DAYS, GAP, DAYS, [None] * 4, "now", "", str),
    "bars": lambda: draw_bars(NAMES, GAP, str),
    "bridge": lambda: draw_bridge(NAMES, FULL, FULL, (9.0, 7.0), str, before_label="then", now_label="now"),
    "heat": lambda: draw_heat(NAMES, NAMES, [GAP] * 4, str),
    "heat of many": lambda: draw_heat(NAMES * 10, NAMES * 10, [GAP * 10] * 40, str, better="down"),
    "multiples": lambda: draw_multiples(NAMES, DAYS, [GAP] * 4, FULL, str),
    "pareto": lambda: draw_pareto(NAMES, FULL, 7.0, str),
    "powers": lambda: draw_powers({(-1.0, 0.0): 3.0, (0.25, -0.5): 0.0}, str, str, better="up"),
    "demand": lambda: draw_demand(HISTORY, FORECAST, DAYS[-1]),
    "stock": lambda: draw_stock(Course(DAYS, FULL), Course(DAYS, FULL), LINE),
    "weeks": lambda: draw_weeks(DAYS, {"Ours": GAP, "Theirs": FULL}, target=0.9, target_label="90 %"),
    "replays": lambda: draw_replays({"ours": (DAYS, GAP), "fixed_cover": (DAYS, FULL)}),
    "ablation": lambda: draw_ablation(NAMES, FULL, GAP),
    "durations": lambda: draw_durations([RUN, RUN | {"state": "published"}]),
    "steps": lambda: draw_steps([Step("a", 0.0, 2.0, True), Step("b", 2.0, 1.0, False, "parts")]),
    "season": lambda: draw_season(SEASON),
    "runs": lambda: draw_runs([RUN]),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_stands_plotlys_checks_and_needs_no_mending_by_them(name):
    """A title as a bare string is understood in Python alone: what the browser gets is written out."""
    drawn = CHARTS[name]().to_dict()
    assert drawn["data"]
    checked = go.Figure(drawn).to_dict()
    assert checked["layout"].pop("template") == pio.templates[drawn["layout"].pop("template")].to_plotly_json()
    assert checked == drawn


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_has_what_keeps_a_browser_from_drawing_it_anew_when_given_it_twice(name):
    """Streamlit gives every chart twice: what changes in between, or seems to, has it drawn anew."""
    layout = CHARTS[name]().to_dict()["layout"]
    assert layout["datarevision"] == 1
    assert layout["template"] == "none"


@pytest.mark.parametrize("wrong", [{"colour": "red"}, {"opacity": 2}, {"line": {"kind": "dot"}}])
def test_what_the_pages_do_not_check_is_found_here(wrong):
    drawn = palette.draw([{"type": "scatter", "y": [1], **wrong}], palette.lay_out(100)).to_dict()
    with pytest.raises(ValueError, match=r"(?i)invalid"):
        go.Figure(drawn)


def test_small_multiples_lie_in_rows_and_columns_under_their_names_on_one_scale():
    *_, usual, courses, names = draw_multiples(NAMES, DAYS, [FULL, FULL, FULL, GAP], FULL, str).data
    places = list(zip(names.text, names.x, names.y, strict=True))
    (_, left, top), (_, middle, same), (_, right, _), (fourth, below_first, below) = places
    assert (fourth, below_first) == ("S4", left)
    assert left < middle < right
    assert (top, below < top) == (same, True)
    drawn = list(zip(courses.x, courses.y, courses.customdata, strict=True))
    first, last = drawn[: len(DAYS)], drawn[-1 - len(DAYS) : -1]
    assert [y for _, y, _ in first] == FULL
    assert drawn[len(DAYS)][:2] == (None, None), "a line ends with its cell"
    # the same value lies as high above its cell's ground, and a gap stays one
    assert [None if y is None else y - (below - top) for _, y, _ in last] == pytest.approx(GAP)
    assert [said for *_, said in last][:2] == ["S4 · 02 Mar 2026: –", "S4 · 09 Mar 2026: 2.0"]
    assert list(usual.x) == list(courses.x)


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        (DAYS, ["02 Mar", "23 Mar"]),
        ([DAYS[0] + dt.timedelta(7 * week) for week in range(13)], ["Apr", "May"]),
        ([dt.date(2025 + month // 12, month % 12 + 1, 1) for month in range(24)], ["Feb", "Oct", "Jun"]),
        (DAYS[:1], ["02 Mar"]),
    ],
)
def test_the_time_below_small_multiples_is_named_where_months_begin(steps, named):
    axis = draw_multiples(NAMES, steps, [[1.0] * len(steps)] * 4, [1.0] * len(steps), str).layout.xaxis
    assert list(axis.ticktext) == named * 3
    assert len(axis.tickvals) == len(set(axis.tickvals)) == len(axis.ticktext)


def test_small_multiples_of_nothing_sold_are_flat():
    nothing = [0.0] * len(DAYS)
    assert set(draw_multiples(NAMES[:1], DAYS, [nothing], nothing, str).data[-2].y) == {0.0, None}
