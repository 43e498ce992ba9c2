"""What a chain folder tells of stock, unit by unit and day by day: shares no line with the SQL.

Each function takes the chain of the fixture `ci` and works once. Pairs are a store and a sku.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict, deque
from functools import cache
from typing import Any

import polars as pl

from tests.sql.oracle.told import lines, money
from warehouse.transformations import table

ONE = dt.timedelta(days=1)
SOURCES = {
    "opening": "opening",
    "receipt": "receipt",
    "return": "return",
    "transfer": "transfer",
    "transfer_receive": "transfer",
}


def dates(*names: str) -> list[pl.Expr]:
    return [pl.col(name).cast(pl.Date) for name in names]


@cache
def moves(chain: Any) -> Any:
    """Moves as the shelves see them: pair, day, kind, units onto them positive, cost."""
    told = chain.file("stock_moves").with_columns(*dates("moved_on"), *money("unit_cost"))
    told = told.filter(pl.col("moved_on") < chain.as_of)
    ends = [
        told.filter(pl.col(end) == "store").select(
            pl.col(f"{end}_store_code").alias("store"), "sku", "moved_on", "kind", units=sign * pl.col("quantity"),
            cost="unit_cost",
        )
        for end, sign in (("destination", 1), ("source", -1))
    ]  # fmt: skip
    return pl.concat(ends)


@cache
def products(chain: Any) -> Any:
    kinds = dict(chain.file("categories").select("code", "kind").rows())
    told = chain.file("products").with_columns(
        *dates("launched_on", "discontinued_on"), *money("unit_cost", "unit_price")
    )
    return {row["sku"]: {**row, "kind": kinds[row["category"]]} for row in told.iter_rows(named=True)}


@cache
def sold(chain: Any) -> Any:
    """Units booked by pair and day."""
    told = (
        lines(chain)
        .with_columns(*dates("sold_on"))
        .filter((pl.col("quantity") > 0) & (pl.col("sold_on") < chain.as_of))
    )
    rows = told.group_by("store_code", "sku", "sold_on").agg(pl.col("quantity").sum()).rows()
    return {(store, sku, day): quantity for store, sku, day, quantity in rows}


@cache
def days(chain: Any) -> Any:
    """One row per pair and day from its first opening: on hand, cost, ranged, out of stock."""
    stores = {
        row["store_code"]: row
        for row in chain.file("stores").with_columns(*dates("opened_on", "closed_on")).iter_rows(named=True)
    }
    carried = defaultdict(list)
    for store, sku, since, until in (
        chain.file("assortment").select("store_code", "sku", *dates("from_date", "to_date")).rows()
    ):
        carried[store, sku].append((since or dt.date.min, until or dt.date.max))
    said = defaultdict(list)
    for store, sku, since, until, is_in in chain.file("availability").select(
        "store_code", "sku", *dates("from_date", "to_date"), "in_stock"
    ).rows():  # fmt: skip
        said[store, sku].append((since, until or dt.date.max, is_in))
    costs = defaultdict(list)
    for sku, since, cost in (
        chain.file("cost_history")
        .sort("valid_from_on")
        .select("sku", *dates("valid_from_on"), *money("unit_cost"))
        .rows()
    ):
        costs[sku].append((since, cost))
    changes = defaultdict(Counter)
    for store, sku, day, units in moves(chain).select("store", "sku", "moved_on", "units").rows():
        changes[store, sku][day] += units
    rows = []
    for pair in changes.keys() | said.keys():
        store, sku = pair
        product = products(chain)[sku]
        ledger = changes[pair]
        first = min([*(day + ONE for day in ledger), *(since for since, _, _ in said[pair])])
        on_hand, today = sum(units for day, units in ledger.items() if day < first), first
        begins_with = min(ledger, default=dt.date.max)
        while today < chain.as_of:
            known = [value for since, value in costs[sku] if since <= today]
            is_ranged = (
                stores[store]["kind"] == "store"
                and any(since <= today <= until for since, until in carried[pair])
                and (product["launched_on"] or today) <= today
                and (product["discontinued_on"] or dt.date.max) > today
                and (stores[store]["opened_on"] or today) <= today
                and (stores[store]["closed_on"] or dt.date.max) > today
            )
            told = [is_in for since, until, is_in in said[pair] if since <= today <= until]
            is_empty = begins_with < today and on_hand <= 0 and (store, sku, today) not in sold(chain)
            is_out = is_ranged and (told == [False] or (not told and is_empty))
            if is_ranged or begins_with < today:
                rows.append(
                    (
                        store,
                        sku,
                        product["category"],
                        product["kind"],
                        today,
                        begins_with < today,
                        on_hand,
                        known[-1] if known else product["unit_cost"],
                        is_ranged,
                        is_out,
                    )
                )
            on_hand += ledger[today]
            today += ONE
    names = ["store", "sku", "category", "kind", "day", "begun", "on_hand", "cost", "ranged", "out"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


@cache
def reserved(chain: Any) -> Any:
    """Units kept for somebody, by store: a folder cannot tell of any, so a few are put into the lake."""
    pairs = moves(chain).select("store", "sku").unique().sort("store", "sku").rows()
    rows = [(n + 1, *pairs[n * len(pairs) // 12], n % 2 + 1, "active" if n % 3 else "released") for n in range(12)]
    for number, store, sku, units, state in rows:
        chain.con.execute(
            "INSERT INTO lake.raw.stock_reservations SELECT ?, l.location_id, p.product_id, ?, ?, now(), 1"
            " FROM lake.raw.stock_locations AS l JOIN lake.raw.stores AS s USING (store_id), lake.raw.products AS p"
            " WHERE s.store_code = ? AND p.sku = ?",
            [number, units, state, store, sku],
        )
    build(chain, "staging.reservations", "marts.fct_inventory_position")
    kept = Counter()
    for _, store, _, units, state in rows:
        kept[store] += units if state == "active" else 0
    return kept


def build(chain: Any, *names: str) -> None:
    """Tables anew, of what a test has put into the lake."""
    for name in names:
        chain.con.execute(f"CREATE OR REPLACE TABLE lake.{name} AS {table(name).sql}")


@cache
def costs(chain: Any) -> Any:
    """What a unit of a sku costs at as_of: the newest cost recorded until then, else the product's."""
    recorded = (
        chain.file("cost_history").sort("valid_from_on").select("sku", *dates("valid_from_on"), *money("unit_cost"))
    )
    newest = {sku: cost for sku, since, cost in recorded.rows() if since <= chain.as_of}
    return {sku: newest.get(sku, product["unit_cost"]) for sku, product in products(chain).items()}


def means(paid: list[float]) -> list[float | None]:
    return [round(paid[0] / paid[1], 4) if paid[1] else None]


@cache
def layers(chain: Any) -> Any:
    """First in first out, unit by unit: store, category, arrival, source, when and how it left; what it cost.

    `paid` is the mean cost at which its day and source brought units, `stated` the cost recorded for as_of.
    """
    arrived, left = defaultdict(list), defaultdict(list)
    paid = defaultdict(lambda: [0.0, 0])
    for store, sku, day, kind, units, cost in moves(chain).rows():
        if units > 0:
            source = SOURCES.get(kind, "correction")
            arrived[store, sku] += [(day, source)] * units
            if cost is not None:
                paid[store, sku, day, source][0] += units * cost
                paid[store, sku, day, source][1] += units
        else:
            left[store, sku] += [(day, kind == "sale")] * -units
    rows = []
    for pair, units in arrived.items():
        gone = deque(sorted(left[pair]))
        for day, source in sorted(units):
            on, is_sale = gone.popleft() if gone else (None, None)
            rows.append(
                (
                    *pair, products(chain)[pair[1]]["category"], day, source, on, is_sale, (chain.as_of - day).days,
                    *means(paid[*pair, day, source]), costs(chain)[pair[1]],
                )
            )  # fmt: skip
    names = ["store", "sku", "category", "came", "source", "left", "sale", "age", "paid", "stated"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


@cache
def rates(chain: Any) -> Any:
    """Gamma rates of pairs over 364 days: (shape, exposure) and the chain's rate."""
    year = days(chain).filter(pl.col("day") >= chain.as_of - 364 * ONE)
    shown = (
        year.filter(pl.when("begun").then(pl.col("on_hand") > 0).otherwise(~pl.col("out")))
        .group_by("store", "sku", "category")
        .len("shown")
    )
    pairs = (
        year.select("store", "sku", "category")
        .unique()
        .join(shown, on=["store", "sku", "category"], how="left")
        .fill_null(0)
    )
    units = Counter()
    for (store, sku, day), quantity in sold(chain).items():
        units[store, sku] += quantity if day >= chain.as_of - 364 * ONE else 0
    by_sku, by_category = defaultdict(lambda: [0, 0]), defaultdict(lambda: [0, 0])
    for store, sku, category, number in pairs.rows():
        for total in (by_sku[sku], by_category[category]):
            total[0] += units[store, sku]
            total[1] += number
    found = {}
    for store, sku, category, number in pairs.rows():
        n, d = by_category[category]
        chain = (by_sku[sku][0] + 3) / (by_sku[sku][1] + 3 / (n / d)) if n and d else 0
        if chain:
            found[store, sku] = (units[store, sku] + 3, number + 3 / chain, chain)
    return found
