"""Orders at vendors as a person speaks of them: what is to be done with which, and which are late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from warehouse.formats import count_of

Row = Mapping[str, Any]
# what a reader can choose to see: by the states that are meant
SHOWN = {
    "approve": ("draft",),
    "send": ("approved",),
    "vendor": ("sent", "acknowledged", "partially_received"),
    "received": ("received",),
    "cancelled": ("cancelled",),
}
SHOWN_WORDS = {
    "approve": "To approve",
    "send": "To send",
    "vendor": "With the vendor",
    "received": "Received",
    "cancelled": "Cancelled",
}
OPEN = (*SHOWN["approve"], *SHOWN["send"], *SHOWN["vendor"])
STATES = {
    "draft": "To approve",
    "approved": "To send",
    "sent": "Sent",
    "acknowledged": "Confirmed",
    "partially_received": "Partly received",
    "received": "Received",
    "cancelled": "Cancelled",
}


def days_late(row: Row, today: dt.date) -> int:
    """Days since the vendor's goods should have come; 0 for an order that is not with the vendor, or still in time.

    >>> days_late({"status": "sent", "expected_on": "2026-03-01"}, dt.date(2026, 3, 4))
    3
    """
    if row["status"] not in SHOWN["vendor"] or not row.get("expected_on"):
        return 0
    return max((today - dt.date.fromisoformat(row["expected_on"])).days, 0)


def urgency(row: Row, today: dt.date) -> tuple[int, int]:
    """What to sort by: to approve, to send, then with the vendor, the latest of these first."""
    group = next(at for at, states in enumerate(SHOWN.values()) if row["status"] in states)
    return group, -days_late(row, today)


def state_in_words(row: Row, today: dt.date) -> str:
    """`To approve`, `Sent`, `Sent, 3 days late`, …"""
    late = days_late(row, today)
    base = STATES[row["status"]]
    return f"{base}, {count_of(late, 'day')} late" if late else base


def vendor_of(row: Row) -> str:
    """`V-01 · Optics Trade`."""
    return f"{row['vendor_code']} · {row['vendor_name']}" if row.get("vendor_code") else "No vendor"
