"""The list of orders, of which some are ticked and one is looked at; and the lines of that one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from dashboards.orders.words import Row, state_in_words, vendor_of
from dashboards.problems import literal
from dashboards.rows import ROW_HEIGHT, height_of, pick_rows
from warehouse.formats import format_money, format_number

LINE_STATES = {"draft": "Not sent yet", "open": "To come", "received": "Received", "cancelled": "Cancelled"}


def pick_orders(
    rows: Sequence[Row],
    stores: Mapping[str, str],
    currency: str,
    today: dt.date,
    key: str,
    *,
    is_moved_on: bool,
    hidden: Collection[str] = (),
) -> tuple[Row, list[Row]]:
    """The one that was clicked or ticked last (at first the first), and the ticked ones. `hidden` names columns."""
    found, ticked = pick_rows(
        _style(rows, stores, currency, today),
        len(rows),
        _columns(),
        key,
        "Orders at vendors: to approve, to send, with the vendor",
        is_ticked=is_moved_on,
        hidden=hidden,
    )
    return rows[found or 0], [rows[index] for index in ticked]


def show_order(order: Row, currency: str, today: dt.date) -> None:
    """One order, as the API gives it: its terms in a sentence, and its lines."""
    named = f"**{literal(order['order_ref'])}** to {literal(vendor_of(order))}"
    st.markdown(f"{named}: {state_in_words(order, today).lower()}")
    if order["is_below_minimum"]:
        st.caption(":material/warning: Below what the vendor accepts as an order.")
    has_costs = any("unit_cost" in line for line in order["lines"])
    columns = _line_columns()
    st.dataframe(
        _style_lines(order["lines"], currency),
        hide_index=True,
        height=height_of(len(order["lines"])),
        row_height=ROW_HEIGHT,
        column_config=columns,
        column_order=[name for name in columns if has_costs or name != "cost"],
        placeholder="",
        alt=f"Lines of {order['order_ref']}",
    )


def _style(rows: Sequence[Row], stores: Mapping[str, str], currency: str, today: dt.date) -> Any:
    table = pl.DataFrame(
        [
            {
                "ref": row["order_ref"],
                "vendor": vendor_of(row),
                "store": _name(row.get("delivery_store_code"), stores),
                "state": state_in_words(row, today),
                "lines": row["lines"],
                "units": row["units"],
                "open": row["open_units"],
                "cost": _amount(row.get("cost_amount")),
                "expected": _day(row.get("expected_on")),
                "note": row.get("note"),
            }
            for row in rows
        ],
        schema_overrides={"store": pl.String, "cost": pl.Float64, "expected": pl.Date, "note": pl.String},
        infer_schema_length=None,
    )
    units = dict.fromkeys(("lines", "units", "open"), format_number)
    return table.to_pandas().style.format({"cost": lambda amount: format_money(amount, currency), **units}, na_rep="")


def _style_lines(lines: Sequence[Row], currency: str) -> Any:
    table = pl.DataFrame(
        [
            {
                "sku": line["sku"],
                "name": line["name"],
                "state": LINE_STATES[line["state"]],
                "ordered": line.get("ordered_qty"),
                "open": line["open_qty"],
                "received": line["received_qty"],
                "cost": _amount(line.get("unit_cost")),
                "expected": _day(line.get("expected_on")),
                "why": f"/reorder?line={line['suggestion_id']}" if line.get("suggestion_id") else None,
            }
            for line in lines
        ],
        schema_overrides={"ordered": pl.Int64, "cost": pl.Float64, "expected": pl.Date, "why": pl.String},
        infer_schema_length=None,
    )
    units = dict.fromkeys(("ordered", "open", "received"), format_number)
    return table.to_pandas().style.format(
        {"cost": lambda amount: format_money(amount, currency, 2), **units}, na_rep=""
    )


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "ref": column.TextColumn("Order", width="medium"),
        "vendor": column.TextColumn("Vendor", width=200),
        "store": column.TextColumn("For", width=150),
        "state": column.TextColumn("State", width=150),
        "lines": column.NumberColumn("Lines", width="small"),
        "units": column.NumberColumn("Units", width="small"),
        "open": column.NumberColumn("To come", width="small", help="Units that the vendor has still to deliver."),
        "cost": column.NumberColumn("Cost"),
        "expected": column.DateColumn("Expected", format="D MMM YYYY"),
        "note": column.TextColumn("Note"),
    }


def _line_columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "sku": column.TextColumn("SKU", width="small"),
        "name": column.TextColumn("Product", width="large"),
        "state": column.TextColumn("State", width="small"),
        "ordered": column.NumberColumn("Ordered", width="small"),
        "open": column.NumberColumn("To come", width="small"),
        "received": column.NumberColumn("Received", width="small"),
        "cost": column.NumberColumn("Cost of one", width="small"),
        "expected": column.DateColumn("Expected", format="D MMM YYYY"),
        "why": column.LinkColumn("Why", display_text="Suggestion", help="The suggestion that it came of."),
    }


def _name(code: str | None, stores: Mapping[str, str]) -> str | None:
    return f"{code} · {stores[code]}" if code is not None and code in stores else code


def _amount(text: str | None) -> float | None:
    return None if text is None else float(text)


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
