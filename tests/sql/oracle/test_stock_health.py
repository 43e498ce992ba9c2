"""What of the ci chain's stock is dead, too much, missing or about to expire, from its files: I10, I12, I14 to I16."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict

import polars as pl
import pytest

from tests.sql.oracle.kept import ONE, costs, dates, days, layers, products, rates, sold
from tests.sql.oracle.told import compare, is_same, moment, money


@pytest.mark.recomputes(
    "dead_stock_units",
    "dead_stock_value",
    "dead_stock_share",
    "unsold_90d_units",
    "unsold_90d_value",
    "excess_stock_units",
    "excess_stock_value",
)
def test_dead_and_excess_stock(ci):
    there = layers(ci).filter(pl.col("left").is_null())
    stale = Counter()
    for store, sku, age in there.select("store", "sku", "age").rows():
        stale[store, sku] += age > 243
    booked = defaultdict(list)
    for (store, sku, day), quantity in sold(ci).items():
        booked[store, sku].append((day, quantity))
    shown = defaultdict(list)
    for store, sku, day, on_hand in days(ci).select("store", "sku", "day", "on_hand").rows():
        if on_hand > 0:
            shown[store, sku].append(day)
    held = Counter()
    for store, sku in there.select("store", "sku").rows():
        held[store, sku] += 1
    ordered = Counter()
    for store, sku, quantity in ci.file("open_orders").select("store_code", "sku", "quantity").rows():
        ordered[store, sku] += quantity
    terms = {
        sku: lead + review
        for sku, lead, review in ci.file("supply").select("sku", "lead_time_days", "review_period_days").rows()
    }
    dead, flat, excess = Counter(), Counter(), Counter()
    worth = {"dead_stock_value": Counter(), "unsold_90d_value": Counter(), "excess_stock_value": Counter()}
    for (store, sku), units in held.items():
        since = max((day for day, _ in booked[store, sku]), default=None)
        silent = sum(day > since for day in shown[store, sku]) if since else len(shown[store, sku])
        is_silent = False
        if (store, sku) in rates(ci):
            shape, exposure, chain = rates(ci)[store, sku]
            selling, n = 0, 0
            if since:
                selling = sum(since - 363 * ONE <= day <= since for day in shown[store, sku])
                n = sum(quantity for day, quantity in booked[store, sku] if day > since - 364 * ONE)
            before = selling + 3 / chain
            is_silent = (before / (before + silent)) ** (n + 3) < 0.05
            cover = terms.get(sku, 0) + 90
            mean = shape / exposure * cover
            limit = math.ceil(mean + 2.326348 * math.sqrt(mean * (1 + cover / exposure)))
            over = min(max(units + ordered[store, sku] - limit, 0), units)
            excess[store] += over
            worth["excess_stock_value"][store] += over * costs(ci)[sku]
        gone = units if is_silent else stale[store, sku]
        dead[store] += gone
        worth["dead_stock_value"][store] += gone * costs(ci)[sku]
        old = since < ci.as_of - 90 * ONE if since else min(shown[store, sku], default=ci.as_of) < ci.as_of - 90 * ONE
        flat[store] += units if old else 0
        worth["unsold_90d_value"][store] += units * costs(ci)[sku] if old else 0
    for name, found in (("dead_stock_units", dead), ("unsold_90d_units", flat), ("excess_stock_units", excess)):
        compare(ci, name, "store", pl.DataFrame([*found.items()], orient="row"))
    for name, found in worth.items():
        compare(ci, name, "store", pl.DataFrame([*found.items()], orient="row"))
    whole = sum(dead.values()) / sum(held.values())
    assert is_same("dead_stock_share", ci.ask("dead_stock_share").item(), whole)
    assert 0 < sum(dead.values()) < sum(held.values())


@pytest.mark.recomputes("power_grid_coverage", "prescriptions_served_share")
def test_power_grid(ci):
    eyes = ci.file("prescription_eyes").join(
        ci.file("prescriptions").select("prescription_number", "kind", *dates("prescribed_on")),
        on="prescription_number",
    )
    eyes = eyes.filter((pl.col("kind") == "spectacle") & (pl.col("prescribed_on") >= ci.as_of - 728 * ONE)
                       & (pl.col("prescribed_on") < ci.as_of) & pl.col("sph").is_not_null())  # fmt: skip
    rows = eyes.select(
        "prescription_number",
        "eye",
        *money("sph"),
        pl.col("cyl").cast(pl.Float64).fill_null(0),
        pl.col("add").is_not_null().alias("near"),
    ).rows()
    wanted = Counter((sph, cyl) for _, _, sph, cyl, near in rows if not near)
    last = days(ci).filter(pl.col("day") == ci.as_of - ONE)
    ranged = set(last.filter("ranged").select("store", "sku").rows())
    on_hand = {}
    for store, sku, units in ci.file("stock").select("store_code", "sku", "on_hand").rows():
        power = json.loads(products(ci)[sku]["attributes"] or "{}")
        if "sph" in power and (store, sku) in ranged:
            cell = (store, products(ci)[sku]["subcategory"], float(power["sph"]), float(power.get("cyl") or 0))
            on_hand[cell] = on_hand.get(cell, 0) + units
    cover, whole = Counter(), Counter()
    grids = {(store, line) for store, line, _, _ in on_hand}
    for store, line in grids:
        for power, number in wanted.items():
            whole[line] += number
            cover[line] += number * (on_hand.get((store, line, *power), 0) >= 2)
    compare(
        ci, "power_grid_coverage", "lens_line", pl.DataFrame([(k, cover[k] / whole[k]) for k in whole], orient="row")
    )
    both = defaultdict(dict)
    near = set()
    for number, eye, sph, cyl, is_near in rows:
        both[number][eye] = (sph, cyl)
        near |= {number} if is_near else set()
    served, asked = Counter(), Counter()
    for store, line in grids:
        for number, powers in both.items():
            if number in near:
                continue
            asked[line] += 1
            needed = Counter(powers.values())
            served[line] += all(on_hand.get((store, line, *power), 0) >= n for power, n in needed.items())
    compare(
        ci,
        "prescriptions_served_share",
        "lens_line",
        pl.DataFrame([(k, served[k] / asked[k]) for k in asked], orient="row"),
    )


@pytest.mark.recomputes("broken_runs_share")
def test_broken_runs(ci):
    # the span of as_of itself: what the last day's moves left, with nothing said or sold yet
    today = {(s, k): n for s, k, n in ci.file("stock").select("store_code", "sku", "on_hand").rows()}
    last = days(ci).filter((pl.col("day") == ci.as_of - ONE) & pl.col("ranged"))
    styles = defaultdict(list)
    for store, sku in last.select("store", "sku").rows():
        product = products(ci)[sku]
        if product["style_code"] and product["lifecycle"] not in ("CLEARANCE", "DISCONTINUED"):
            styles[store, product["style_code"]].append(today.get((store, sku), 0) <= 0)
    broken, ranged = Counter(), Counter()
    for (store, _), missing in styles.items():
        ranged[store] += 1
        broken[store] += any(missing)
    if ranged:
        compare(
            ci, "broken_runs_share", "store", pl.DataFrame([(s, broken[s] / ranged[s]) for s in ranged], orient="row")
        )


@pytest.mark.recomputes("expiry_risk_units", "expiry_risk_value", "expired_units")
def test_expiry(ci):
    came = (
        ci.file("goods_receipts")
        .filter(pl.col("state") == "accepted")
        .select("receipt_number", day=moment("accepted_at").dt.date())
    )
    batches = (
        ci.file("goods_receipt_lines")
        .join(came, on="receipt_number")
        .filter(pl.col("expires_on").is_not_null() & (pl.col("day") < ci.as_of))
    )
    stock = {(s, k): n for s, k, n in ci.file("stock").select("store_code", "sku", "on_hand").rows()}
    lots = defaultdict(Counter)
    for store, sku, batch, until, units in batches.select(
        "store_code", "sku", "batch_code", *dates("expires_on"), "accepted_qty"
    ).rows():
        lots[store, sku][until, batch or "none"] += units
    risk, worth, expired = Counter(), Counter(), 0
    for pair, mine in lots.items():
        units = [lot for lot in sorted(mine) for _ in range(mine[lot])]
        kept = units[len(units) - min(stock.get(pair, 0), len(units)) :] if stock.get(pair, 0) > 0 else []
        rate = rates(ci)[pair][0] / rates(ci)[pair][1] if pair in rates(ci) else 0
        for place, (until, _) in enumerate(kept, 1):
            is_late = place > math.floor(rate * max((until - ci.as_of).days, 0))
            risk[pair[0]] += is_late
            worth[pair[0]] += is_late * costs(ci)[pair[1]]
            expired += until < ci.as_of
    found = {store: units for store, units in ci.ask("expiry_risk_units", by=["store"]).rows() if units}
    assert found == {store: units for store, units in risk.items() if units}
    assert ci.ask("expired_units").item() == expired
    for store, value in ci.ask("expiry_risk_value", by=["store"]).rows():
        assert is_same("expiry_risk_value", value, worth[store])
