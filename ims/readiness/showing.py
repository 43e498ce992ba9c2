"""Verdicts for people and programs: a table of words, JSON, a page of HTML, Markdown for the README."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape

from ims.readiness.lines import KINDS
from ims.readiness.verdicts import Verdict

MARKS = {"met": "✓", "failed": "✗", "stale": "~", "not run": "·", "cloud": "☁"}
HEAD = ("#", "line", "target", "kind", "verdict", "why")
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color-scheme:light dark}table{border-collapse:collapse}"
    "td,th{padding:.35rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid #8884}"
    ".met{color:#2a7f3f}.failed{color:#b3261e;font-weight:600}.stale{color:#8a6100}"
)


def summary(verdicts: Sequence[Verdict]) -> str:
    """One sentence: how many lines there are of each verdict."""
    counts = {state: sum(each.state == state for each in verdicts) for state in MARKS}
    said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return f"{len(verdicts)} lines: {said}."


def as_json(verdicts: Sequence[Verdict], faults: Sequence[str]) -> str:
    """Every verdict with its evidence."""
    found = [
        {
            "id": each.line.id,
            "group": each.line.group,
            "text": each.line.text,
            "target": each.line.target,
            "state": each.state,
            "because": each.because,
            "evidence": [asdict(evidence) for evidence in each.evidence],
        }
        for each in verdicts
    ]
    return json.dumps({"tampered": list(faults), "lines": found}, indent=2, ensure_ascii=False)


def as_html(verdicts: Sequence[Verdict], faults: Sequence[str]) -> str:
    """A page that needs nothing else."""
    rows = "".join(
        f'<tr><td>{row[0]}<td>{"<td>".join(map(escape, row[1:4]))}<td class="{escape(each.state)}">{escape(row[4])}'
        f"<td>{escape(row[5])}</tr>"
        for each, row in zip(verdicts, _rows(verdicts), strict=True)
    )
    head = "".join(f"<th scope=col>{name}" for name in HEAD)
    wrong = "".join(f"<p class=failed>{escape(fault)}</p>" for fault in faults)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Readiness</title><style>{STYLE}</style>'
        f"<h1>Readiness</h1><p>{escape(summary(verdicts))}</p>{wrong}<table><tr>{head}</tr>{rows}</table></html>\n"
    )


def as_markdown(verdicts: Sequence[Verdict]) -> str:
    """The table of docs/readiness.md."""
    rows = ("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in _rows(verdicts))
    return "\n".join((f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|", *rows)) + "\n"


def group_table(verdicts: Sequence[Verdict]) -> str:
    """The table of the README: of each group how many lines are met, which are open, how many need a cloud."""
    rows = ["| group | lines | met | open | needs a cloud |", "|---|---|---|---|---|"]
    for group in dict.fromkeys(each.line.group for each in verdicts):
        of_it = [each for each in verdicts if each.line.group == group]
        met, cloud = (sum(each.state == state for each in of_it) for state in ("met", "cloud"))
        left = ", ".join(str(each.line.id) for each in of_it if each.state not in {"met", "cloud"})
        rows.append(f"| {group} | {len(of_it)} | {met or ''} | {left} | {cloud or ''} |")
    return "\n".join(rows) + "\n"


def _rows(verdicts: Iterable[Verdict]) -> list[tuple[str, ...]]:
    return [
        (
            str(each.line.id),
            each.line.text,
            each.line.target,
            ", ".join(dict.fromkeys(KINDS[proof.kind] for proof in each.line.proofs)),
            f"{MARKS[each.state]} {each.state}",
            each.because,
        )
        for each in verdicts
    ]
