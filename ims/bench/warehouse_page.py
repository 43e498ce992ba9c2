"""The report of `ims bench warehouse`, and its part of docs/performance.md: no figure in it is typed.

`ims bench warehouse --json w10.json; python -m ims.bench.warehouse_page w10.json ...` puts each run into the part "The
warehouse", in the place of what the same command found before.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
TITLE = "## The warehouse"
WORDS = """A full run reads every table of PostgreSQL and builds every one of the lake anew; an incremental one follows
after a correction of every hundredth row of the sales, in every month of them, and `one day` after one of a day's. The
limit of the extract is PostgreSQL's own `COPY (…) TO '/dev/null' (FORMAT binary)` of the same table, in turn with it
and over connections as new as its own: the middle ones of five, in runs before 26 November 2026, 15:00 UTC, the only
one. The limit of the questions is a copy of the same tables in one native DuckDB file. Questions go through the metric
engine, warm: to the copy that pages ask (`warehouse/copied.py`), and to the lake, which the command line, files and
mails ask.
"""
# a run of the page: its command, and what it found until the next one
COMMAND = re.compile(
    r"^    (ims bench warehouse[^\n]*)\n(.*?)(?=^    ims bench warehouse|\Z)", re.MULTILINE | re.DOTALL
)
REACH = {
    "extract_of_copy": ("extract, rate against COPY", "0.8 or more", 0.8, True),
    "incremental_of_full": ("incremental run, share of a full one", "0.2 or less", 0.2, False),
    "page_questions_of_native": ("questions of pages, p95 against native DuckDB", "1.5 or less", 1.5, False),
    "slowest_page_question_ms": ("slowest question of pages, p95 in ms (of `large`)", "150 or less", 150, False),
    "questions_of_native": ("questions to the lake, p95 against native DuckDB", "1.5 or less", 1.5, False),
    "slowest_question_ms": ("slowest question to the lake, p95 in ms (of `large`)", "150 or less", 150, False),
    "suite_seconds": ("the fact's checks, seconds", "60 or less", 60, False),
}


def warehouse_report(found: dict[str, Any]) -> list[str]:
    """Everything that was found, for a terminal."""
    lines = [f"{found['rows']:,} rows of {found['table']}; memory limit {found['memory_limit']}."]
    lines.append(f"{'step':<14}{'seconds':>9}{'extract':>9}{'build':>9}{'MB':>8}{'spilled':>9}{'tables':>8}")
    for name, step in found["steps"].items():
        if "build" in step:
            lines.append(
                f"{name:<14}{step['seconds']:>9.1f}{step['extract']:>9.1f}{step['build']:>9.1f}"
                f"{step['peak_memory_mb']:>8}{step['spilled_mb']:>9}{step['tables_written']:>8}"
            )
        else:
            lines.append(f"{name:<14}{step['seconds']:>9.1f}")
    suite, slowest = found["suite"], found["steps"]["incremental"]["slowest"]
    lines.append(
        f"{suite['checks']} checks of {suite['table']}, {suite['rows']:,} rows: {suite['seconds']:.1f} s,"
        f" {suite['peak_memory_mb']} MB."
    )
    lines.append("An incremental run's time goes to " + ", ".join(f"{s} {t:.1f} s" for s, t in slowest.items()) + ".")
    lines.append(f"{'question, p95 ms':<74}{'pages':>8}{'lake':>8}{'native':>8}")
    lines += [
        f"{row['question'][:73]:<74}{row['page_p95_ms']:>8.1f}{row['p95_ms']:>8.1f}{row['native_p95_ms']:>8.1f}"
        for row in found["questions"]
    ]
    for name, value in found["ratios"].items():
        words, wanted, limit, is_floor = REACH[name]
        reaches = value >= limit if is_floor else value <= limit
        lines.append(f"{words}: {value:.2f} (to reach: {wanted}{'' if reaches else '; misses'})")
    return lines


def section(found: dict[str, Any]) -> Iterator[str]:
    """The lines of one run, below its command."""
    machine = found["machine"]
    yield (
        f"Measured {found['at']['day']} at commit {found['at']['commit']} on {machine['cores']} cores "
        f"({machine['processor']}), PostgreSQL {machine['postgres']}; load of the machine before it began: "
        f"{machine['load']}. {found['rows']:,} rows of `{found['table']}`, memory limit {found['memory_limit']}.\n"
    )
    yield "| ratio | found | to reach |\n|---|---|---|"
    for name, value in found["ratios"].items():
        yield f"| {REACH[name][0]} | {value:.2f} | {REACH[name][1]} |"
    yield "\n| run | seconds | extract | build | peak MB | spilled MB | tables written |"
    yield "|---|---|---|---|---|---|---|"
    for name, step in found["steps"].items():
        if "build" in step:
            yield (
                f"| {name} | {step['seconds']:.1f} | {step['extract']:.1f} | {step['build']:.1f} "
                f"| {step['peak_memory_mb']:,} | {step['spilled_mb']:,} | {step['tables_written']} |"
            )
    suite = found["suite"]
    yield (
        f"\n{suite['checks']} checks of `{suite['table']}` over {suite['rows']:,} rows took"
        f" {suite['seconds']:.1f} s, with {suite['peak_memory_mb']:,} MB at most."
    )
    yield "\n| question | pages, p95 ms | lake, p95 ms | native, p95 ms |\n|---|---|---|---|"
    for row in found["questions"]:
        # before there was a copy, pages asked the lake
        times = [row.get("page_p95_ms", row["p95_ms"]), row["p95_ms"], row["native_p95_ms"]]
        yield f"| {row['question']} | {' | '.join(f'{each:.1f}' for each in times)} |"
    yield ""


def main(arguments: list[str]) -> None:
    """Put the runs into the part at the end of the page, beside those of other commands."""
    before, _, part = PAGE.read_text(encoding="utf-8").partition(TITLE)
    told = dict(COMMAND.findall(part))
    for name in arguments:
        found = json.loads(Path(name).read_text(encoding="utf-8"))
        told[found["command"]] = "\n".join(section(found))
    runs = "\n\n".join(f"    {command}\n\n{lines.strip()}" for command, lines in told.items())
    PAGE.write_text(f"{before.rstrip()}\n\n{TITLE}\n\n{WORDS}\n{runs}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
