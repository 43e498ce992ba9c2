"""The list of suggested orders as a table to pick a line from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import polars as pl
import streamlit as st

from warehouse.formats import format_money, format_number
from warehouse.wording import STATES, reason_in_words

ROW_HEIGHT, LONGEST = 35, 12


def pick_line(
    rows: Sequence[dict[str, Any]], currency: str, chosen_id: int | None, key: str, hidden: Collection[str] = ()
) -> dict[str, Any]:
    """Show the rows, the dearest first; the picked one (at first `chosen_id`, else the first).

    `hidden` names columns that say the same in every row.
    """
    start = next((index for index, row in enumerate(rows) if row["suggestion_id"] == chosen_id), 0)
    event = st.dataframe(
        _style(rows, currency),
        key=key,
        hide_index=True,
        height=ROW_HEIGHT * (min(len(rows), LONGEST) + 1) + 3,
        row_height=ROW_HEIGHT,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [start]}},
        column_config=_columns(),
        column_order=[name for name in _columns() if name not in hidden],
        placeholder="",
        alt="Suggested orders, the most money at stake first",
    )
    picked = event["selection"]["rows"]
    return rows[picked[0]] if picked and picked[0] < len(rows) else rows[start]


def _style(rows: Sequence[dict[str, Any]], currency: str) -> Any:
    table = pl.DataFrame(
        [
            {
                "at_stake": float(row["priority"]),
                "order": row["suggested_qty"],
                "product": row["product_name"],
                "sku": row["sku"],
                "store": f"{row['store_code']} · {row['store_name']}",
                "why": reason_in_words(row["reason"]),
                "on_hand": row["on_hand"],
                "on_order": row["on_order"],
                "expected": row["expected_demand"],
                "p90": row["demand_p90"],
                "arrives": row["arrives_on"],
                "until": row["covers_until"],
                "category": row["category"],
                "vendor": row["vendor_code"],
                "state": STATES.get(row["state"], row["state"]),
            }
            for row in rows
        ]
    )
    units = dict.fromkeys(("order", "on_hand", "on_order"), format_number)
    return table.to_pandas().style.format(
        {
            "at_stake": lambda amount: format_money(amount, currency),
            "expected": lambda units: format_number(units, 1),
            "p90": lambda units: format_number(units),
            **units,
        }
    )


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "at_stake": column.NumberColumn(
            "At stake", help="Expected cost saved by ordering, against ordering nothing: lost margin less holding."
        ),
        "order": column.NumberColumn("Order", help="Suggested units, in whole packs.", width="small"),
        "product": column.TextColumn("Product", width="medium"),
        "sku": column.TextColumn("SKU", width="small"),
        "store": column.TextColumn("Store", width="medium"),
        "why": column.TextColumn("Why", width="medium"),
        "on_hand": column.NumberColumn("On hand", width="small"),
        "on_order": column.NumberColumn("On order", width="small"),
        "expected": column.NumberColumn(
            "Demand", help="Expected units wanted until this order's cover ends.", width="small"
        ),
        "p90": column.NumberColumn("… 9 in 10", help="Demand stays at or below this nine times in ten.", width="small"),
        "arrives": column.DateColumn("Arrives", format="D MMM", width="small"),
        "until": column.DateColumn("Lasts until", format="D MMM", width="small"),
        "category": column.TextColumn("Category"),
        "vendor": column.TextColumn("Vendor", width="small"),
        "state": column.TextColumn("State", width="small"),
    }
