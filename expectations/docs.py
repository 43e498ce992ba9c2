"""Generates the list of all checks in docs/checks.md: severity, owner and what to do, and where each defect is found.

`python -m expectations.docs` writes it between its marks; `--check` only says whether it is up to date (exit code 1).
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from expectations.check import Check
from expectations.suites import checked_tables, suite

PAGE = Path(__file__).parents[1] / "docs" / "checks.md"
DEFECTS = Path(__file__).with_name("defects.toml")
MARK = re.compile(r"(<!-- checks: generated[^>]*-->\n).*?(<!-- end -->)", re.DOTALL)
SCHEMAS = {
    "raw": "What the extract brought over",
    "staging": "What was cleaned and joined",
    "marts": "What figures and models read",
    "outputs": "What the models made",
}
HELD = {"rows": "row set aside", "store_days": "store-day blocked", "pairs": "no suggestion"}


def render_page(page: str) -> str:
    """The page with its generated part made anew."""
    text = "\n".join([*_defects(), *_checks()])
    return MARK.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page)


def read_defects() -> dict[str, dict[str, Any]]:
    """The defects of domain.md f.7: what it is (`says`), the check that finds it, what then happens (`action`)."""
    return tomllib.loads(DEFECTS.read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` compare it; the exit code."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = render_page(page)
    if page == wanted:
        return 0
    if "--check" in arguments:
        print("docs/checks.md: out of date; run `python -m expectations.docs`", file=sys.stderr)
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


def _defects() -> list[str]:
    lines = ["## What is wrong, and what finds it", "", "| defect | check | what then happens |", "|---|---|---|"]
    for defect in read_defects().values():
        lines.append(f"| {defect['says']} | {_spelled(defect)} | {defect['action']} |")
    return [*lines, ""]


def _spelled(defect: dict[str, Any]) -> str:
    return f"`{defect['table']}`: {defect['check'].replace('_', ' ')}" if "check" in defect else defect["shown_by"]


def _checks() -> list[str]:
    lines = ["## All checks", ""]
    for schema, about in SCHEMAS.items():
        names = [name for name in checked_tables() if name.startswith(f"{schema}.")]
        shaped = sum(check.is_derived for name in names for check in suite(name).checks)
        lines += [f"### {schema}", "", f"{about}: {len(names)} tables, {shaped} checks that follow from contracts.", ""]
        lines += ["| table | check | severity | owner | what to do |", "|---|---|---|---|---|"]
        lines += [_row(check) for name in names for check in suite(name).checks if not check.is_derived]
        lines.append("")
    return lines[:-1]


def _row(check: Check) -> str:
    held = f", {HELD[check.holds_back]}" if check.holds_back else ""
    cells = (f"`{check.table.split('.')[1]}`", check.name.replace("_", " "), check.severity + held, check.owner)
    return f"| {' | '.join(cells)} | {check.what_to_do.replace('|', '/')} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
