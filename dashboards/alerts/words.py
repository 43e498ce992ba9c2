"""Alerts in words: kinds, severities, states, and where each is looked into by whoever may."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlencode

from api.alerts import spell_filters
from api.identity.principal import SignedIn
from dashboards.views import item, models, quality, sales

Row = dict[str, Any]
Colour = Literal["red", "orange"]
KINDS = {
    "SALES_OFF": "Sales off",
    "STOCK_OUT_AHEAD": "Stock-out ahead",
    "LATE_ORDER": "Late order",
    "FORECAST_BIAS": "Forecast bias",
    "DATA": "Data problem",
}
ICONS = {
    "SALES_OFF": ":material/trending_down:",
    "STOCK_OUT_AHEAD": ":material/production_quantity_limits:",
    "LATE_ORDER": ":material/local_shipping:",
    "FORECAST_BIAS": ":material/balance:",
    "DATA": ":material/database:",
}
COLOURS: dict[str, Colour] = {"severe": "red", "warn": "orange"}
STATES = {"open": "Open", "snoozed": "Put off", "acted": "Acted on", "dismissed": "Dismissed"}
BEYOND = "beyond"
# the pages that alerts lead to, and what opens them
OPENED_BY = {
    "sales": sales.PERMISSION,
    "item": item.PERMISSION,
    "models": models.PERMISSION,
    "quality": quality.PERMISSION,
    "vendors": "report:stock",
}


def address_of(row: Row, user: SignedIn) -> str | None:
    """Where the alert is looked into: `/item?store=S01&sku=CL-1`; None for whoever may not see that page."""
    permission = OPENED_BY.get(row["view"])
    if permission is None or not user.grants.allows(permission):
        return None
    filters = spell_filters(row["filters"])
    return f"/{row['view']}?{urlencode(filters)}" if filters else f"/{row['view']}"


def say_state(row: Row) -> str | None:
    """How it stands, by whom and why; None while nobody did anything about it."""
    if row["acted_by"] is None:
        return None
    until = f" until {row['until_on']:%-d %B}" if row["until_on"] else ""
    why = f": {row['reason']}" if row["reason"] else ""
    did = STATES[row["state"]] if row["state"] != "open" else "Was put off"
    return f"{did}{until} by {row['acted_by']}{why}"
