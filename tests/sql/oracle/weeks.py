"""Weeks of demand of the ci chain's pairs as its files tell them: units, and whether it could be sold all week."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from functools import cache
from typing import Any

from tests.sql.oracle.kept import ONE, dates, days, products, sold

WEEK = 7 * ONE


@cache
def known_weeks(chain: Any) -> Any:
    """For each pair {Monday: (units, could be sold every day)}, whole weeks; pairs whose whole life is on record.

    Left out: what was taken out of the range, stores that closed, and pairs that sold before any stock was known.
    """
    stores = {
        row["store_code"]: row
        for row in chain.file("stores").with_columns(*dates("opened_on", "closed_on")).iter_rows(named=True)
    }
    said = defaultdict(list)
    for store, sku, since, until, is_in in (
        chain.file("availability").select("store_code", "sku", *dates("from_date", "to_date"), "in_stock").rows()
    ):
        said[store, sku].append((since, until or dt.date.max, is_in))
    blocked = set(chain.con.execute("SELECT store_code, day_on FROM lake.checks.blocked_days").fetchall())
    units, first_sold = defaultdict(int), {}
    for (store, sku, day), quantity in sold(chain).items():
        units[store, sku, day - day.weekday() * ONE] += quantity
        first_sold[store, sku] = min(first_sold.get((store, sku), day), day)
    data_from = min(day for _, _, day in sold(chain))
    empty, held = defaultdict(set), {}
    for store, sku, day, on_hand in days(chain).filter("begun").select("store", "sku", "day", "on_hand").rows():
        held[store, sku] = min(held.get((store, sku), day), day)
        if on_hand <= 0 and (store, sku, day) not in sold(chain):
            empty[store, sku].add(day)
    for pair, spans in said.items():
        held[pair] = min([held.get(pair, dt.date.max), *(since for since, _, _ in spans)])
    found = {}
    for pair in held:
        store, sku = pair
        product, place = products(chain)[sku], stores[store]
        if product["discontinued_on"] or place["closed_on"] or first_sold.get(pair, dt.date.max) < held[pair]:
            continue
        begins = max(product["launched_on"] or held[pair], place["opened_on"] or data_from, data_from)
        week, weeks = begins - begins.weekday() * ONE, {}
        while week + WEEK <= chain.as_of:
            each = [week + n * ONE for n in range(7)]
            lost = any(
                day < begins
                or (store, day) in blocked
                or any(since <= day <= until and not is_in for since, until, is_in in said[pair])
                or (
                    day in empty[pair]
                    and not any(since <= day <= until and is_in for since, until, is_in in said[pair])
                )
                for day in each
            )
            weeks[week] = (units[store, sku, week], not lost)
            week += WEEK
        found[pair] = weeks
    return found
