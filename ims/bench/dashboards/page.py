"""The report of `ims bench dashboards`, and its part of docs/performance.md: no figure in it is typed.

ims bench dashboards --json boards.json; python -m ims.bench.dashboards.page boards.json prints the part.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

TITLE = "## The dashboards"
STEPS = {"painted": "first paint", "ready": "interactive", "filtered": "filter changed"}
WORDS = """Chromium opens every view that a person may see by its address, in an order of its own, waits until it
stands still, chooses the second of what its first list offers, waits again, thinks, and goes on. `First paint` is the
view's title, `interactive` the end of its script with every chart and table sent. Browsers, web app and PostgreSQL
share the machine, so the browsers' own work is part of every time.
"""


def dashboards_report(found: dict[str, Any]) -> list[str]:
    """Everything that was found, for a terminal; times in milliseconds."""
    lines = [f"Snapshot {found['snapshot_id']}, {found['views']} views; {', '.join(found['roles'])}."]
    lines.append(f"{'':<12}{'step':<16}{'times':>7}{'p50':>9}{'p95':>9}{'max':>9}")
    for who, name in (("alone", "one person"), ("together", f"{found['users']} people")):
        for step, words in STEPS.items():
            values = _values(found[who], step)
            if values:
                p50, p95, most = (_quantile(values, share) for share in (0.5, 0.95, 1.0))
                lines.append(f"{name:<12}{words:<16}{len(values):>7}{p50:>9,.0f}{p95:>9,.0f}{most:>9,.0f}")
    lines.append(f"{'view':<20}{'one person':>12}{'p50':>9}{'p95':>9}   interactive")
    lines += [f"{view:<20}{one:>12,.0f}{p50:>9,.0f}{p95:>9,.0f}" for view, one, p50, p95 in _by_view(found)]
    memory = found["memory"]
    lines.append(
        f"Memory of the web app: {memory['at_start_mb']:,.0f} MB, {memory['after_one_mb']:,.0f} MB after one person "
        f"saw everything, {memory['with_all_mb']:,.0f} MB with {found['users']}: {memory['session_mb']} MB a session."
    )
    lines += [_say_asked(found["asked"])] if found["asked"] else []
    faults = [look for who in ("alone", "together") for look in found[who] if look["fault"]]
    lines += [f"{look['view']}: {look['fault']}" for look in faults]
    lines.append(f"{len(faults)} faults.")
    return lines


def page_part(found: dict[str, Any]) -> Iterator[str]:
    """The lines of the page's part."""
    at, machine = found["at"], found["machine"]
    yield f"{TITLE}\n\n    {found['command']}\n"
    yield (
        f"Measured {at['day']} at commit {at['commit']} on {machine['cores']} cores ({machine['processor']}); load of "
        f"the machine before it began: {machine['load']}.\n\n{WORDS}"
    )
    yield "| | step | times | p50 ms | p95 ms | max ms |\n|---|---|---|---|---|---|"
    for who, name in (("alone", "one person"), ("together", f"{found['users']} people at once")):
        for step, words in STEPS.items():
            values = _values(found[who], step)
            if values:
                times = " | ".join(f"{_quantile(values, share):,.0f}" for share in (0.5, 0.95, 1.0))
                yield f"| {name} | {words} | {len(values)} | {times} |"
    memory = found["memory"]
    yield (
        f"\nBetween two views each thinks {found['think_seconds']:g} s on average. The web app holds "
        f"{memory['at_start_mb']:,.0f} MB when it starts, {memory['after_one_mb']:,.0f} MB once one person has seen "
        f"everything, {memory['with_all_mb']:,.0f} MB with {found['users']} sessions open: "
        f"{memory['session_mb']} MB each."
    )
    if found["asked"]:
        yield f" {_say_asked(found['asked'])}"
    yield "\n| view, interactive | one person, ms | p50 ms | p95 ms |\n|---|---|---|---|"
    for view, one, p50, p95 in _by_view(found):
        yield f"| {view} | {one:,.0f} | {p50:,.0f} | {p95:,.0f} |"


def _say_asked(asked: dict[str, float]) -> str:
    whole = sum(asked.values())
    if not whole:
        return "No question was asked."
    return f"Of {whole:,.0f} questions {asked.get('memory', 0.0) / whole:.0%} were answered from memory."


def _by_view(found: dict[str, Any]) -> list[tuple[str, float, float, float]]:
    """(view, alone, p50, p95) of the time until it is interactive, the slowest first."""
    alone = {look["view"]: look["ready"] for look in found["alone"]}
    rows = []
    for view, one in alone.items():
        values = _values([look for look in found["together"] if look["view"] == view], "ready")
        if values:
            rows.append((view, one, _quantile(values, 0.5), _quantile(values, 0.95)))
    return sorted(rows, key=lambda row: -row[3])


def _values(looks: Sequence[dict[str, Any]], step: str) -> list[float]:
    return sorted(look[step] for look in looks if look[step] is not None and not look["fault"])


def _quantile(values: Sequence[float], share: float) -> float:
    """
    >>> _quantile([1.0, 2.0, 3.0, 4.0], 0.5)
    3.0
    """
    return values[min(int(share * len(values)), len(values) - 1)]


if __name__ == "__main__":
    for line in page_part(json.loads(Path(sys.argv[1]).read_text())):
        print(line)
