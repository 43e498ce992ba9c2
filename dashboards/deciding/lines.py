"""A suggested line as a person decides on it: the quantity wanted, its state in words, where the goods come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from api.identity.principal import SignedIn
from api.identity.scope import stores_of
from warehouse.formats import format_number
from warehouse.wording import STATES

Row = Mapping[str, Any]
OPEN = "proposed"
DECIDED = ("approved", "edited", "ordered", "received", "refused")
# what a reader can choose to see: by the states that are meant
SHOWN = {
    "open": (OPEN,),
    "approved": ("approved", "edited"),
    "ordered": ("ordered", "received"),
    "refused": ("refused",),
}


def wanted_qty(row: Row) -> int:
    """The quantity that is, or would be, ordered: the decided one, else the edited one, else the suggested one."""
    if row["state"] == "refused":
        return int(row["suggested_qty"])
    return int(row["decided_qty"] or row["approved_qty"] or row["suggested_qty"])


def state_in_words(row: Row) -> str:
    """`Open`, `Changed, was 12`, `Approved`, `Approved, was 12`, `Ordered`, `Refused`, …"""
    base = {**STATES, OPEN: "Open", "edited": "Approved"}[row["state"]]
    if wanted_qty(row) == row["suggested_qty"]:
        return base
    was = f"was {format_number(row['suggested_qty'])}"
    return f"Changed, {was}" if row["state"] == OPEN else f"{base}, {was}"


def sources(rows: Iterable[Row]) -> dict[int, str]:
    """Where each line's goods come from: `Move from S02`; `V-01 · Optics`; `V-01 · Optics, after 3 from S02`."""
    rows = list(rows)
    moved: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row["source_store_code"] and row["state"] != "refused":
            said = f"{format_number(wanted_qty(row))} from {row['source_store_code']}"
            moved.setdefault((row["store_code"], row["sku"]), []).append(said)
    found = {}
    for row in rows:
        if row["source_store_code"]:
            found[row["suggestion_id"]] = f"Move from {row['source_store_code']}"
            continue
        beside = moved.get((row["store_code"], row["sku"]))
        vendor = f"{row['vendor_code']} · {row['vendor_name']}" if row["vendor_code"] else "No vendor"
        found[row["suggestion_id"]] = f"{vendor}, after {' and '.join(beside)}" if beside else vendor
    return found


def decidable(user: SignedIn, permission: str, rows: Iterable[Row]) -> list[Row]:
    """The open ones of stores that the permission reaches; the API holds to the same."""
    stores = stores_of(user, permission)
    return [row for row in rows if row["state"] == OPEN and (stores is None or row["store_code"] in stores)]
