"""The table of the kill-everything drill, written into docs/drills.md between its marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from scene import HERE

from ims.machine import circumstances

PAGE = HERE.parents[1] / "docs" / "drills.md"
BEGIN, END = "<!-- written by deploy/drills/kill_everything.py -->", "<!-- end -->"
HEAD = "| killed | a till sees | nothing acknowledged for | all is well after | lost | |\n|---|---|---|---|---|---|\n"


class Row(Protocol):
    """A line of the table."""

    part: str
    seen: str
    stood_seconds: float
    well_seconds: float
    lost: int
    note: str


def write_table(rows: Sequence[Row], profile: str, kept: int) -> None:
    """Put the rows into the page, with day, commit and machine."""
    found = circumstances()
    at, machine = found["at"], found["machine"]
    when = (
        f"{at['day']} at {at['commit']}, profile {profile}, {machine['cores']} cores with load {machine['load']}; "
        f"{kept:,} orders acknowledged."
    )
    lines = (
        f"| {row.part} | {row.seen} | {row.stood_seconds:.1f} s | {row.well_seconds:.1f} s | {row.lost} | {row.note} |"
        for row in rows
    )
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{when}\n\n{HEAD}{chr(10).join(lines)}\n{END}{after}", encoding="utf-8")
