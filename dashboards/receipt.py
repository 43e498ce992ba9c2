"""The receipt of one suggested line: why this quantity, what demand looked like, and what the order changes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import Scope
from api.suggestions import find_suggestion
from dashboards import palette
from dashboards.deciding.bar import show_edit_button
from dashboards.deciding.lines import wanted_qty
from dashboards.installation import operational
from dashboards.passport import Passport
from dashboards.projection import first_empty_day, project_stock
from dashboards.reader import read_arrivals, read_forecast, read_history
from dashboards.receipt_charts import draw_demand, draw_stock
from models.explanation.words import explain, say_edit, summarise
from warehouse.formats import format_day

DAYS_AFTER_COVER = 7


def show_receipt(row: dict[str, Any], passport: Passport, scope: Scope, user: SignedIn) -> None:
    """Everything about one line, below the table, with the way to another quantity."""
    with operational().connect() as connection:
        found = find_suggestion(connection, row["suggestion_id"], stores=scope.store_codes)
    receipt = (found or {}).get("receipt") or {}
    with st.container(border=True):
        st.subheader(f"{row['product_name']} · {row['store_name']}", anchor=False)
        vendor = f" · vendor {row['vendor_code']} {row['vendor_name']}" if row["vendor_code"] else ""
        st.caption(f"{row['sku']} · {row['category']} · store {row['store_code']}{vendor}")
        words, charts = st.columns([2, 3], gap="large")
        with words:
            st.markdown(f"##### {summarise(row)}")
            if row["approved_qty"] and wanted_qty(row) != row["suggested_qty"]:
                st.markdown(say_edit(row, {}, passport.currency, sees_cost=False))
            show_edit_button(user, row, place="receipt")
            st.markdown("\n".join(f"- {line}" for line in explain(row, receipt, passport.currency, scope.sees_cost)))
        with charts:
            _show_demand(row, passport)
            _show_stock(row, passport)
        if receipt and scope.sees_cost:
            with st.expander("Everything it was computed from", icon=":material/receipt_long:"):
                st.caption("Replaying these inputs gives the same quantity again.")
                st.json(receipt, expanded=False)


def _show_demand(row: dict[str, Any], passport: Passport) -> None:
    history = read_history(passport.snapshot_id, row["store_code"], row["sku"], row["as_of"])
    forecast = read_forecast(passport.snapshot_id, row["store_code"], row["sku"])
    if history.is_empty() and forecast.is_empty():
        st.info("Neither history nor forecast of this item is in the published snapshot.")
        return
    st.markdown("**Demand, week by week**")
    palette.show(
        draw_demand(history, forecast, row["as_of"]),
        key=f"demand-{row['suggestion_id']}",
        alt=f"Weekly demand and forecast of {row['product_name']}",
    )


def _show_stock(row: dict[str, Any], passport: Passport) -> None:
    forecast = read_forecast(passport.snapshot_id, row["store_code"], row["sku"])
    if forecast.is_empty():
        st.info("No forecast of this item is in the published snapshot.")
        return
    weekly = dict(zip(forecast["week_starting_on"].to_list(), forecast["mean_qty"].to_list(), strict=True))
    due = [
        (day, float(units)) for day, units in read_arrivals(passport.snapshot_id, row["store_code"], row["sku"]).rows()
    ]
    begin, end = row["as_of"], row["covers_until"] + dt.timedelta(days=DAYS_AFTER_COVER)
    without = project_stock(row["on_hand"], weekly, due, begin, end)
    ordered = [*due, (row["arrives_on"], float(row["suggested_qty"]))]
    with_order = project_stock(row["on_hand"], weekly, ordered, begin, end)
    st.markdown("**Stock, with this order and without**")
    palette.show(
        draw_stock(with_order, without, row),
        key=f"stock-{row['suggestion_id']}",
        alt=f"Expected stock of {row['product_name']} with and without the order",
    )
    empty = first_empty_day(without)
    if empty:
        st.caption(f"At the expected demand, stock is gone on {format_day(empty)} without this order.")
