"""What the looks of a benchmark come to: quantiles of each step, of each view, and what is left undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

STEPS = {"painted": "first paint", "ready": "interactive", "filtered": "filter changed"}
LIMITS = {"painted": 1000, "ready": 2000, "filtered": 500}  # ms
LOOKS = ("first", "again", "opened", "clicked", "opening", "clicking", "crowd")
ONE = {"opening": "opened", "clicking": "clicked", "crowd": "again"}  # whose one person each of many stands beside
BESIDE = ("opening", "clicking", "crowd")  # what they look at together
Looks = list[dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """One step for one kind of person, milliseconds; `ratio` of its p95 to that of one person alone."""

    who: str
    step: str
    times: int
    p50: float
    p95: float
    most: float
    ratio: float | None

    @property
    def words(self) -> str:
        """What the step is called."""
        return STEPS[self.step]


def rows_of(found: dict[str, Any]) -> Iterator[Row]:
    """By browser one person and the same among many, by clicks and by address; without: first looks, one, the many."""
    people = f"{found['users']} people"
    kinds = {
        "clicked": "one person, browser",
        "clicking": f"{people}, browser among them",
        "opened": "one person, by address",
        "opening": f"{people}, by address among them",
        "first": "first looks, no browser",
        "again": "one person, no browser",
        "crowd": f"{people}, no browser",
    }
    for name, who in kinds.items():
        for step in STEPS:
            values = values_of(found[name], step)
            one = values_of(found[ONE[name]], step) if name in ONE else []
            if values:
                p50, p95, most = (quantile(values, share) for share in (0.5, 0.95, 1.0))
                yield Row(who, step, len(values), p50, p95, most, p95 / quantile(one, 0.95) if one else None)


def by_view(found: dict[str, Any]) -> list[tuple[str, list[float | None]]]:
    """Until interactive: one person, p50 and p95 of many; p95 of their filter changes. The slowest view first."""
    rows: list[tuple[str, list[float | None]]] = []
    for view in dict.fromkeys(look["view"] for name in ("clicked", *BESIDE) for look in found[name]):
        wanted = (
            ("clicked", "ready", 0.5),
            ("crowd", "ready", 0.5),
            ("crowd", "ready", 0.95),
            ("crowd", "filtered", 0.95),
        )
        found_here = ((values_of(found[name], step, view), share) for name, step, share in wanted)
        rows.append((view, [quantile(values, share) if values else None for values, share in found_here]))
    return sorted(rows, key=lambda row: -(row[1][2] or row[1][0] or 0))


def values_of(looks: Looks, step: str, view: str | None = None) -> list[float]:
    """The times that a step took, shortest first; of pages that failed none."""
    return sorted(look[step] for look in looks if look[step] and not look["fault"] and view in {None, look["view"]})


def work_of_a_click(found: dict[str, Any], part: str) -> float | None:
    """Milliseconds of processor time that a view or a changed filter cost the web app, on average; None without any."""
    looks = [look for name in (BESIDE if part == "together" else (part,)) for look in found[name]]
    clicks = sum(look[step] is not None for look in looks for step in ("ready", "filtered"))
    measured = found["parts"][part]
    return 1000 * measured["cores"] * measured["seconds"] / clicks if clicks else None


def unseen(found: dict[str, Any], name: str) -> list[str]:
    """Views that were not once seen to the end in one way."""
    done = {look["view"] for look in found[name] if look["ready"] is not None}
    return sorted(set(found["names"]) - done)


def cut_off(found: dict[str, Any]) -> int:
    """How many looks were under way when the time was up."""
    every = (look for name in LOOKS for look in found[name])
    return sum(look["ready"] is None and not look["fault"] for look in every)


def faults_of(found: dict[str, Any]) -> Looks:
    """The looks that failed."""
    return [look for name in LOOKS for look in found[name] if look["fault"]]


def quantile(values: Sequence[float], share: float) -> float:
    """
    >>> quantile([1.0, 2.0, 3.0, 4.0], 0.5)
    3.0
    """
    return values[min(int(share * len(values)), len(values) - 1)]
