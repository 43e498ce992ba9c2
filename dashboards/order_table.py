"""The list of suggested orders as a table: lines are ticked to be decided on, and one is looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from dashboards.deciding.lines import sources, state_in_words, wanted_qty
from dashboards.members import shorten
from dashboards.rows import pick_rows
from warehouse.formats import format_money, format_number
from warehouse.wording import reason_in_words


@dataclass(frozen=True)
class Picked:
    """The line whose receipt is shown, and the ticked ones."""

    line: dict[str, Any]
    ticked: list[dict[str, Any]]


def pick_lines(
    rows: Sequence[dict[str, Any]],
    currency: str,
    chosen_id: int | None,
    drafts: Mapping[int, str],
    key: str,
    *,
    is_decided_on: bool,
    hidden: Collection[str] = (),
) -> Picked:
    """Show the rows in their order. The line looked at is the one clicked or ticked last, at first `chosen_id`.

    `hidden` names columns that say the same in every row.
    """
    found, ticked = pick_rows(
        _style(rows, currency, drafts),
        len(rows),
        _columns(),
        key,
        "Suggested orders, the most money at stake first",
        is_ticked=is_decided_on,
        hidden=hidden,
    )
    if found is None:
        found = next((index for index, row in enumerate(rows) if row["suggestion_id"] == chosen_id), 0)
    return Picked(rows[found], [rows[index] for index in ticked])


def _style(rows: Sequence[dict[str, Any]], currency: str, drafts: Mapping[int, str]) -> Any:
    origins = sources(rows)
    stores = shorten({row["store_code"]: row["store_name"] for row in rows})
    table = pl.DataFrame(
        [
            {
                "at_stake": float(row["priority"]),
                "order": wanted_qty(row),
                "state": state_in_words(row),
                "draft": drafts.get(row["suggestion_id"]),
                "product": row["product_name"],
                "sku": row["sku"],
                "store": f"{row['store_code']} · {stores[row['store_code']]}",
                "why": reason_in_words(row["reason"]),
                "on_hand": row["on_hand"],
                "on_order": row["on_order"],
                "expected": row["expected_demand"],
                "p90": row["demand_p90"],
                "arrives": row["arrives_on"],
                "until": row["covers_until"],
                "category": row["category"],
                "source": origins[row["suggestion_id"]],
            }
            for row in rows
        ],
        schema_overrides={"draft": pl.String},
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
        "order": column.NumberColumn(
            "Order", help="Units, in whole packs: as suggested, or as changed.", width="small"
        ),
        "product": column.TextColumn("Product", width=235),
        "sku": column.TextColumn("SKU", width="small"),
        "source": column.TextColumn("From", help="The vendor, or the store that has it to spare.", width=165),
        "store": column.TextColumn("Store", width=150),
        "state": column.TextColumn("State", width=125),
        "draft": column.TextColumn("Draft", help="The order or the transfer that it became.", width=185),
        "why": column.TextColumn("Why", width=190),
        "on_hand": column.NumberColumn("On hand", width="small"),
        "on_order": column.NumberColumn("On order", width="small"),
        "expected": column.NumberColumn(
            "Demand", help="Expected units wanted until this order's cover ends.", width="small"
        ),
        "p90": column.NumberColumn("9 in 10", help="Demand stays at or below this nine times in ten.", width="small"),
        "arrives": column.DateColumn("Arrives", format="D MMM", width="small"),
        "until": column.DateColumn("Lasts until", format="D MMM", width="small"),
        "category": column.TextColumn("Category"),
    }
