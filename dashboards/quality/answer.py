"""Is yesterday's data right? One sentence, from the newest run, what is served and what is held back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from api.findings import CheckedRun
from dashboards.header import Stores
from dashboards.passport import Passport
from warehouse.formats import count_of, format_day

Colour = Literal["green", "orange", "red"]
STOPPED = {"blocked": "was stopped by its checks", "failed": "failed before its end"}


@dataclass(frozen=True)
class Answer:
    """Yes, not quite, or no, and why."""

    colour: Colour
    text: str


def answer(found: CheckedRun | None, passport: Passport | None, stores: Stores) -> Answer:
    """The answer for whoever sees these stores (None: all)."""
    if passport is None:
        return Answer("red", "**No.** Nothing has passed its checks yet, so no figure is served.")
    yesterday = passport.data_as_of - dt.timedelta(days=1)
    day = format_day(yesterday)
    if found is not None and found.state in STOPPED:
        return Answer(
            "red",
            f"**No.** The run of {format_day(found.started_at.date())} {STOPPED[found.state]}. "
            f"What is served is older: data to {day}.",
        )
    if passport.age_days > 1:
        late = count_of(passport.age_days - 1, "day")
        return Answer("orange", f"**Not here yet.** The newest data are of {day}: {late} behind yesterday.")
    days = passport.checks.get("held_back", {}).get("store_days", [])
    out = sorted(
        each["store"]
        for each in days
        if each["day"] == yesterday.isoformat() and (stores is None or each["store"] in stores)
    )
    if out:
        return Answer("orange", f"**Not all of it.** Sales of {', '.join(out)} on {day} are left out: not believed.")
    failed = [row for row in (found.results if found else []) if row["state"] == "failed"]
    mine = [row for row in failed if stores is None or row["store_count"]]
    warned = [row for row in mine if row["severity"] == "warning"]
    if warned:
        return Answer("green", f"**Yes,** with {count_of(len(warned), 'warning')} below. Data to {day}.")
    return Answer("green", f"**Yes.** Nothing to warn of. Data to {day}.")
