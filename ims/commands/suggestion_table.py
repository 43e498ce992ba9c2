"""The order list on a terminal: one line a suggestion, as wide as the terminal allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from warehouse.formats import format_money, format_number
from warehouse.wording import reason_in_words


def print_table(rows: Sequence[dict[str, Any]], currency: str) -> None:
    """The rows with the columns that a person decides by."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("id", "store", "sku", "product", "state"):
        table.add_column(title, overflow="ellipsis", no_wrap=True)
    for title in ("on hand", "on order", "demand", "order", "saves"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("why", overflow="ellipsis", no_wrap=True)
    for row in rows:
        wanted = row["approved_qty"]
        edited = wanted and wanted != row["suggested_qty"]
        order = f"{row['suggested_qty']}→{wanted}" if edited else format_number(row["suggested_qty"])
        source = f" from {row['source_store_code']}" if row["source_store_code"] else ""
        table.add_row(
            str(row["suggestion_id"]),
            row["store_code"],
            row["sku"],
            row["product_name"],
            row["state"],
            format_number(row["on_hand"]),
            format_number(row["on_order"]),
            format_number(row["expected_demand"], 1),
            order,
            format_money(row["priority"], currency),
            reason_in_words(row["reason"]) + source,
        )
    console = Console(highlight=False, markup=False)
    console.width = max(console.width, 150) if not console.is_terminal else console.width
    console.print(table)
