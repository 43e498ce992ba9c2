"""The report of `ims bench dashboards`, and its part of docs/web.md: no figure in it is typed.

ims bench dashboards --json boards.json; python -m ims.bench.dashboards.page boards.json writes the part.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ims.bench.dashboards.figures import LIMITS, Row, by_view, cut_off, faults_of, rows_of, unseen, work_of_a_click

PAGE = Path(__file__).parents[3] / "docs" / "web.md"
TITLE = "## How fast the dashboards are"
WIDTHS = (12, 9, 9, 12)
WORDS = """Chromium goes to every view, by a click in the navigation or by its address, where it begins the whole site
anew; it waits until the view stands still, then chooses the second of what its first list offers. `First paint` is the
view's title, `interactive` the end of its script with every chart and table sent, `filter changed` the time from that
click until what it changes is drawn. The people beside it have no browser, for {users} of them would be what is
measured: they speak the dashboards' own protocol, click through the views of their role, think {think:g} s on average
after each click, choose at random, and look after their page as a browser does. Their times end with the last message
and hold nothing that a browser draws. Browser, people, web app and PostgreSQL share the machine.
"""
HEAD = ("", "step", "times", "p50 ms", "p95 ms", "max ms", "limit ms", "p95 to one person's")


def dashboards_report(found: dict[str, Any]) -> list[str]:
    """Everything that was found, for a terminal; times in milliseconds."""
    roles = ", ".join(f"{count} {role}" for role, count in found["roles"].items())
    lines = [f"Snapshot {found['snapshot_id']}, {found['views']} views; {roles}."]
    lines.append(f"{'':<34}{'step':<16}{'times':>7}{'p50':>9}{'p95':>9}{'max':>9}{'limit':>8}{'to one':>8}")
    for row in rows_of(found):
        ratio = "" if row.ratio is None else f"{row.ratio:.1f}"
        quantiles = f"{row.times:>7}{row.p50:>9,.0f}{row.p95:>9,.0f}{row.most:>9,.0f}"
        lines.append(f"{row.who:<34}{row.words:<16}{quantiles}{LIMITS[row.step]:>8,}{ratio:>8}")
    lines.append(f"{'view':<20}{'one person':>12}{'p50':>9}{'p95':>9}{'filter p95':>12}   interactive")
    for view, times in by_view(found):
        lines.append(
            f"{view:<20}" + "".join(f"{_say(time):>{width}}" for time, width in zip(times, WIDTHS, strict=True))
        )
    lines += [_say_memory(found), _say_work(found), *_say_left(found)]
    faults = faults_of(found)
    lines += [f"{look['view']}: {look['fault']}" for look in faults]
    lines.append(f"{len(faults)} faults.")
    return lines


def page_part(found: dict[str, Any]) -> Iterator[str]:
    """The lines of the page's part."""
    at, machine, part = found["at"], found["machine"], found["parts"]["together"]
    roles = ", ".join(f"{count} {role}" for role, count in found["roles"].items())
    command = re.sub(r"--json \S*/", "--json ", found["command"])  # no folder of this machine
    yield f"{TITLE}\n\n    {command}\n"
    yield (
        f"Measured {at['day']} at commit {at['commit']} on {machine['cores']} cores ({machine['processor']}); load of "
        f"the machine before it began: {machine['load']}, at its end: {part['load']}.\n\n"
        f"{WORDS.format(users=found['users'], think=found['think_seconds'])}"
    )
    yield f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}"
    for row in rows_of(found):
        yield _line_of(row)
    yield f"\n{roles}, in {found['scopes']} scopes. {_say_memory(found)} {_say_work(found)}"
    yield " ".join(["", *_say_left(found), f"{len(faults_of(found))} pages failed."]).strip()
    yield "\n| view, ms | one person, interactive | people, p50 | p95 | filter, p95 |\n|---|---|---|---|---|"
    for view, times in by_view(found):
        yield f"| {view} | {' | '.join(_say(time) for time in times)} |"


def _line_of(row: Row) -> str:
    ratio = "" if row.ratio is None else f"{row.ratio:.1f}"
    times = f"{row.times:,} | {row.p50:,.0f} | {row.p95:,.0f} | {row.most:,.0f}"
    return f"| {row.who} | {row.words} | {times} | {LIMITS[row.step]:,} | {ratio} |"


def _say(time: float | None) -> str:
    return "" if time is None else f"{time:,.0f}"


def _say_memory(found: dict[str, Any]) -> str:
    memory = found["memory"]
    return (
        f"The web app holds {memory['at_start_mb']:,.0f} MB when it starts, {memory['after_one_mb']:,.0f} MB once one "
        f"person has seen everything, {memory['with_all_mb']:,.0f} MB with {found['users']} sessions open: "
        f"{memory['session_mb']} MB each, with the answers that it keeps for their scopes."
    )


def _say_work(found: dict[str, Any]) -> str:
    part = found["parts"]["together"]
    asked, whole = part["asked"], sum(part["asked"].values())
    kept = (
        f" {asked.get('memory', 0.0) / whole:.0%} of {whole:,.0f} questions were answered from memory." if whole else ""
    )
    costs = {name: _say(work_of_a_click(found, name)) for name in ("first", "again", "together")}
    return (
        f"In {part['seconds']:.0f} s together the web app kept {part['cores']:.1f} cores busy.{kept} A click, on a "
        f"view or in a filter, cost it {costs['first']} ms of processor time at a first look, {costs['again']} ms when "
        f"looked at again, {costs['together']} ms among many."
    )


def _say_left(found: dict[str, Any]) -> Iterator[str]:
    """What the limit of time left undone, in sentences; nothing when there is none."""
    for name, words in (
        ("first", "first looks"),
        ("opened", "one person's browser, by address"),
        ("clicked", "one person's browser"),
        ("opening", "the browser among many, by address"),
        ("clicking", "the browser among many"),
    ):
        if views := unseen(found, name):
            yield f"Not seen for the time was up ({words}): {', '.join(views)}."
    if cut_off(found):
        yield f"{cut_off(found)} looks were under way when the time was up."


def write_part(found: dict[str, Any], page: Path) -> None:
    """Put the part in its place in the page, or at its end when it has none yet."""
    text = page.read_text()
    before, _, rest = text.partition(TITLE + "\n")
    after = rest[rest.index("\n## ") + 1 :] if "\n## " in rest else ""
    part = "\n".join(page_part(found))
    page.write_text(f"{before.rstrip()}\n\n{part}\n" + (f"\n{after}" if after else ""))


if __name__ == "__main__":
    write_part(json.loads(Path(sys.argv[1]).read_text()), PAGE)
