"""Generates the tables inside docs/ that follow from the code of the API: the kinds of audit events.

`python -m api.docs` writes them between their marks, `--check` only says whether they are up to date (exit code 1).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from api.services.audit_kinds import Kind, kinds

FOLDER = Path(__file__).parents[1] / "docs"
MARK = re.compile(r"(<!-- kinds: [^>]*-->\n).*?(<!-- end -->)", re.DOTALL)


def render_pages() -> dict[str, str]:
    """The pages with generated parts, by file name."""
    page = (FOLDER / "audit.md").read_text(encoding="utf-8")
    table = "\n".join(_kinds())
    return {"audit.md": MARK.sub(lambda found: f"{found[1]}{table}\n{found[2]}", page)}


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` compare them; the exit code."""
    stale = []
    for name, text in render_pages().items():
        path = FOLDER / name
        if path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"docs/{', docs/'.join(stale)}: out of date; run `python -m api.docs`", file=sys.stderr)
    return 1 if stale else 0


def _kinds() -> list[str]:
    lines: list[str] = []
    group = ""
    for kind in kinds().values():
        if kind.group != group:
            group = kind.group
            lines += ["", f"### {group.capitalize()}", "", "| kind | meaning | severity | |", "|---|---|---|---|"]
        lines.append(f"| `{kind.name}` | {kind.says} | {kind.severity} | {_marks(kind)} |")
    return [*lines, ""]


def _marks(kind: Kind) -> str:
    return ", ".join(
        name for name, applies in {"money": kind.is_money, "personal": kind.is_personal}.items() if applies
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
