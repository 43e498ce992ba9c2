"""Data quality: is yesterday's data right, what the checks found, what is held back, and who let what stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from api.findings import CheckedRun, Row, course, newest_results
from api.identity.principal import SignedIn
from api.identity.scope import Scope, scope_of
from dashboards import palette
from dashboards.filters import choose_one
from dashboards.header import show_header
from dashboards.installation import driver, operational
from dashboards.messages import say, say_no_store
from dashboards.passport import Passport
from dashboards.quality.answer import answer
from dashboards.quality.course import draw_runs
from dashboards.quality.held import show_held
from dashboards.quality.results import SEVERITIES, name_of, pick_check, show_check
from dashboards.quality.waivers import show_waivers
from dashboards.quality.waiving import show_waive_form
from dashboards.tile_rows import Tile, show_tiles
from dashboards.told import show_told
from warehouse.formats import count_of, format_day, format_number
from warehouse.wording import OUTCOMES

PERMISSION = "quality:read"
TITLE, LEAD = "Data quality", "Is yesterday's data right?"
LAYERS = ("raw", "staging", "marts", "outputs", "checks")
OWNERS = ("store manager", "buyer", "accountant", "data team")
HELP = {
    "Stop publishing": "Checks that failed and keep a run's figures from being served.",
    "Warn": "Checks that failed; figures are served with the warning.",
    "Tell": "Things worth knowing; nothing is wrong with the figures.",
    "Waived": "Failures that somebody let stand, with a reason and a last day.",
    "Passed": "Checks that no row breaks.",
}
STATES = {"failed": "Failed", "waived": "Waived", "passed": "Passed"}


def show(passport: Passport | None, user: SignedIn) -> None:
    """The view; before the first publication, too: a run that was blocked is looked into here."""
    scope = scope_of(user, PERMISSION)
    if passport is None:
        st.title(TITLE, anchor=False)
        st.markdown(LEAD)
    else:
        show_header(TITLE, LEAD, passport)  # the days left out stand under Held back
    if scope.store_codes == frozenset():
        say_no_store()
        return
    with operational().connect() as connection:
        found = newest_results(driver(connection), scope.store_codes)
    said = answer(found, passport, scope.store_codes)
    {"green": st.success, "orange": st.warning, "red": st.error}[said.colour](said.text)
    if found is None:
        say(
            "No run has checked anything yet",
            "`ims run` builds, checks and publishes; what its checks find is shown here, published or not.",
            "verified",
        )
        return
    show_told("waivers")
    rows = in_reach(found.results, scope)
    _show_tiles(rows, scope)
    checks, held, waivers, runs = st.tabs(["Checks", "Held back", "Waivers", "Runs"])
    with checks:
        _show_checks(rows, found, passport, user, scope)
    with held:
        if passport is not None:
            show_held(passport, scope)
    with waivers:
        show_waivers(scope, user, _today(passport))
    with runs:
        _show_runs(scope)


def in_reach(results: Sequence[Row], scope: Scope) -> list[Row]:
    """The results with `shown_count`, the gravest first; to a store those that failed in its rows."""
    order = list(SEVERITIES)
    whole = scope.store_codes is None
    rows = [{**row, "shown_count": row["failed_count"] if whole else row["store_count"]} for row in results]
    return sorted(
        [row for row in rows if whole or row["shown_count"]],
        key=lambda row: (row["state"] == "passed", row["state"] == "waived", order.index(row["severity"])),
    )


def _show_tiles(rows: list[Row], scope: Scope) -> None:
    tiles = {
        label: len([row for row in rows if row["state"] == "failed" and row["severity"] == severity])
        for severity, label in (("blocking", "Stop publishing"), ("warning", "Warn"), ("info", "Tell"))
    }
    tiles["Waived"] = len([row for row in rows if row["state"] == "waived"])
    if scope.store_codes is None:
        tiles["Passed"] = len([row for row in rows if row["state"] == "passed"])
    show_tiles([Tile(label, format_number(count), HELP[label]) for label, count in tiles.items()])


def _show_checks(rows: list[Row], found: CheckedRun, passport: Passport | None, user: SignedIn, scope: Scope) -> None:
    st.caption(
        f"The run of {format_day(found.started_at.date())}, {found.started_at:%H:%M} UTC, for the opening of "
        f"{format_day(found.as_of)}: {OUTCOMES[found.state]}."
    )
    columns = st.columns(4)
    layer = choose_one(columns[0], "Layer", "All layers", LAYERS, "layer", str.capitalize)
    severity = choose_one(columns[1], "Severity", "All", list(SEVERITIES), "severity", lambda key: SEVERITIES[key])
    owner = choose_one(columns[2], "Owner", "Everybody's", OWNERS, "owner", str.capitalize)
    state = choose_one(columns[3], "State", "Failed and waived", list(STATES), "state", lambda key: STATES[key])
    shown = [
        row
        for row in rows
        if (layer is None or row["table_name"].startswith(f"{layer}."))
        and severity in {None, row["severity"]}
        and owner in {None, row["owner"]}
        and (row["state"] == state if state else row["state"] != "passed")
    ]
    if not shown:
        nothing = "No check failed" if state is None else f"No check {STATES[state].lower()}"
        where = " in your stores" if scope.store_codes is not None else ""
        say(f"{nothing} here", f"Nothing to do for this choice{where}.", "check_circle")
        return
    picked = pick_check(shown, st.query_params.get("check"))
    st.query_params["check"] = name_of(picked)
    show_check(picked, found.run_id, passport, user, scope)
    show_waive_form(picked, user, _today(passport))


def _show_runs(scope: Scope) -> None:
    if scope.store_codes is not None:
        st.markdown("The course of the checks is told of the whole chain, to those who see all of it.")
        return
    with operational().connect() as connection:
        runs = course(driver(connection))
    if len(runs) > 1:
        palette.show(draw_runs(runs), key="runs", alt="Failed checks of the last runs")
    newest: dict[str, Any] = runs[0]
    passed = count_of(newest["passed"], "check")
    st.caption(f"{passed} passed in the newest of {count_of(len(runs), 'run')} that checked anything.")


def _today(passport: Passport | None) -> dt.date:
    return dt.datetime.now(ZoneInfo(passport.timezone) if passport else dt.UTC).date()
