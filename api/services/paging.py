"""Pages of a list by key: an opaque cursor says after which row the next page begins, so page 1,000 costs as page 1."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.refusals import Fault, Invalid

LONGEST_CURSOR = 512
LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Page:
    """One page of rows, and the cursor of the next one (None: this is the last). `about` is said of the whole page."""

    items: list[dict[str, Any]]
    next_cursor: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Paging:
    """How many rows are wanted, and after which key (a tuple as `page` was given it)."""

    limit: int
    after: tuple[Any, ...] | None = None

    @property
    def fetch(self) -> int:
        """Rows to ask the database for: one more than wanted tells whether there is a next page."""
        return self.limit + 1

    def after_id(self) -> int:
        """The key of a list that is ordered by one descending id; larger than any id for the first page."""
        if self.after is None:
            return LARGEST
        if len(self.after) != 1 or not isinstance(self.after[0], int):
            raise _invalid()
        return self.after[0]

    def page(self, rows: Sequence[dict[str, Any]], key: tuple[str, ...]) -> Page:
        """The page of rows fetched with `fetch` as their limit, ordered by `key`."""
        kept = list(rows[: self.limit])
        has_more = len(rows) > self.limit
        return Page(kept, encode([kept[-1][name] for name in key]) if has_more else None)


def encode(key: Sequence[Any]) -> str:
    """Opaque text for a URL."""
    text = json.dumps(list(key), default=str, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[Any, ...]:
    """The key in a cursor: integers and text. Raises Invalid when it was not made here."""
    if len(cursor) > LONGEST_CURSOR:
        raise _invalid()
    try:
        key = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, ValueError, RecursionError) as error:
        raise _invalid() from error
    fits = isinstance(key, list) and all(
        (isinstance(part, str) and "\x00" not in part)
        or (isinstance(part, int) and not isinstance(part, bool) and abs(part) <= LARGEST)
        or part is None
        for part in key
    )
    if not fits:
        raise _invalid()
    return tuple(key)


def as_moment(part: Any) -> dt.datetime:
    """A timestamp in a cursor."""
    try:
        return dt.datetime.fromisoformat(part)
    except (TypeError, ValueError) as error:
        raise _invalid() from error


def _invalid() -> Invalid:
    rule = "was not made by this API; start without one"
    return Invalid("invalid-cursor", f"This cursor {rule}.", Fault("cursor", rule))
