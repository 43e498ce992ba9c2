"""Calendar effects on demand: months, weekdays, festivals, promotions, trend and the tax cut, per category and day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from ims.demo.days import Floats
from ims.demo.lifecycle import swing
from ims.demo.parameters import Category, read_table


def index_days(categories: list[Category], first: date, count: int, level: date) -> Floats:
    """Demand index (category x day) for `count` days from `first`; the trend is 1 on the day `level`.

    Months average to the table's indices over the years that it lists, festivals and offers included.
    """
    table = read_table("seasons")
    days = [first + timedelta(days=i) for i in range(count)]
    weekday = np.array([table["weekdays"][d.weekday()] for d in days])
    years = np.array([(d - level).days / 365.25 for d in days])
    common = weekday * (1.0 + table["trend_per_year"]) ** years
    cut_on: date = table["tax_cut_on"]
    since_cut = np.array([(d - cut_on).days for d in days])
    wait_then_buy = np.where((since_cut >= -14) & (since_cut < 0), 0.90, 1.0) * np.where(
        (since_cut >= 0) & (since_cut < 28), 1.08, 1.0
    )
    listed = [date(2019, 1, 1) + timedelta(days=i) for i in range(12 * 365 + 3)]
    day_of_year = np.array([d.timetuple().tm_yday for d in days])
    events, usual = (_lift_events(categories, some, table) for some in (days, listed))
    month, listed_month = (np.array([d.month - 1 for d in some]) for some in (days, listed))
    rows = []
    for index, category in enumerate(categories):
        usual_lift = np.bincount(listed_month, usual[index]) / np.bincount(listed_month)
        row = common * _spread_months(days, table["months"][category.season]) * events[index] / usual_lift[month]
        row = row / (1.0 + category.seasonal_share * swing(category, day_of_year))  # the category keeps its months
        rows.append(row * wait_then_buy if category.tax_rate != category.tax_rate_before else row)
    return np.array(rows)


def _lift_events(categories: list[Category], days: list[date], table: dict[str, Any]) -> Floats:
    """What festivals and offers do to demand (category x day), 1 on an ordinary day."""
    festival = _lift_festivals(days, table["festivals"])
    offers = reduce_prices(categories, days)
    lift = np.array([c.festival_lift for c in categories])[:, None]
    joy: Floats = np.where(festival < 0, 1.0 + festival, 1.0 + festival * lift)
    lifted: Floats = joy * (1.0 - offers) ** -table["promotions"]["elasticity"]
    return lifted


def reduce_prices(categories: list[Category], days: list[date]) -> Floats:
    """Promotional price reduction (category x day), a share of the price."""
    out = np.zeros((len(categories), len(days)))
    for event in read_table("seasons")["promotions"]["events"]:
        month, day = (int(part) for part in event["starts"].split("-"))
        length = timedelta(days=event["days"])
        on = np.array([date(d.year, month, day) <= d < date(d.year, month, day) + length for d in days])
        for index, category in enumerate(categories):
            if category.key in event["categories"]:
                out[index, on] = np.maximum(out[index, on], event["reduction"])
    return out


def _spread_months(days: list[date], indices: list[float]) -> Floats:
    """Month indices stand at mid-month and run linearly between, so no month starts with a jump."""
    at = np.array([d.month - 1 + (d.day - 1) / 30.5 for d in days])
    spread: Floats = np.interp(at, np.arange(-0.5, 13.0), [indices[-1], *indices, indices[0]])
    return spread


def _lift_festivals(days: list[date], festivals: dict[str, list[date]]) -> Floats:
    """Ramp 0 to 1 over the 18 days before a festival; -0.6 on Diwali itself, when most people stay at home."""
    lift = np.zeros(len(days))
    ordinals = np.array([d.toordinal() for d in days])
    for name, dates in festivals.items():
        weight = 1.0 if name == "diwali" else 0.4
        for festival in dates:
            ahead = festival.toordinal() - ordinals
            ramp = np.where((ahead >= 1) & (ahead <= 18), weight * (19 - ahead) / 18.0, 0.0)
            lift = np.maximum(lift, ramp)
    for festival in festivals["diwali"]:
        lift[ordinals == festival.toordinal()] = -0.6
    national = np.array([(d.month, d.day) in {(1, 26), (8, 15)} for d in days])
    return np.where(national & (lift == 0.0), 0.5, lift)
