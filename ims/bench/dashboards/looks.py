"""One view as one person got it, and who that person is: what both ways of looking, by browser and without, note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# what a page says in the place of a view
FAILED = ("This page failed", "The data cannot be reached")


@dataclass
class Look:
    """Milliseconds until the title was there, until the script had ended, and the same after a filter was changed.

    None: it did not come to that, for the time was up; `filtered` also where there is nothing to choose.
    """

    view: str
    painted: float | None = None
    ready: float | None = None
    filtered: float | None = None
    fault: str | None = None

    def to_data(self) -> dict[str, Any]:
        """For a JSON file."""
        return dict(vars(self))


@dataclass(frozen=True)
class Visitor:
    """Who looks, with the session of whom, at what, and how long between two clicks (seconds, on average)."""

    number: int
    token: str
    views: Sequence[str]
    think: float = 0.0
