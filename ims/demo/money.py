"""What each line costs its buyer, in paise and exact: list price, discount, tax; and what an order adds up to."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
from scipy.special import betaincinv

from ims.demo.luck import Luck
from ims.demo.prices import Prices, reduce_line, tax_line
from ims.demo.seasons import reduce_prices
from ims.demo.world import World

IN_FULL = 0.45  # of lines; the others are reduced by 9 % on average
CAPS = {"MASS": 0.15, "PREMIUM": 0.20, "LUXURY": 0.05, "SERVICE": 0.10, "NON_DISCOUNTABLE": 0.0}
AMOUNTS = ("gross", "discount", "net", "tax", "total", "cost")


def price_lines(world: World, prices: Prices, lines: pl.DataFrame) -> pl.DataFrame:
    """Lines with unit_price, mrp, rate (percent), discount_bp, gross, discount, net, tax, total, unit_cost (paise)."""
    luck = Luck(world.seed)
    item, day, quantity = (lines[c].to_numpy() for c in ("item", "day", "quantity"))
    key = lines["order"].to_numpy() * 64 + lines["line_no"].to_numpy()
    own = betaincinv(1.6, 16.2, luck.uniform("discount", key))
    own = np.where(luck.uniform("in full", key) < IN_FULL, 0.0, own)
    cap = np.array([CAPS[c] for c in prices.items["discount_class"].to_list()])[item]
    own_bp = np.rint(np.minimum(own, cap) * 100).astype(np.int64) * 100
    offer_bp = _offers(world)[_categories(world, prices)[item], day]
    offer_bp = np.where(cap > 0, offer_bp, 0)
    share_bp = 10_000 - (10_000 - own_bp) * (10_000 - offer_bp) // 10_000
    unit = prices.price_on(item, day)
    rate = prices.rate_on(item, day)
    gross = unit * quantity
    discount = reduce_line(gross, share_bp)
    net = gross - discount
    tax = tax_line(net, rate)
    return lines.with_columns(
        pl.Series("unit_price", unit),
        pl.Series("mrp", prices.mrp_on(item, day)),
        pl.Series("rate", rate),
        pl.Series("own_bp", own_bp),
        pl.Series("discount_bp", share_bp),
        pl.Series("gross", gross),
        pl.Series("discount", discount),
        pl.Series("net", net),
        pl.Series("tax", tax),
        pl.Series("total", net + tax),
        pl.Series("unit_cost", prices.cost_on(item, day)),
    )


def add_up(orders: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Orders with gross, discount, net, tax and total: the sums of their lines."""
    sums = lines.group_by("order").agg(pl.col("gross", "discount", "net", "tax", "total").sum())
    return orders.join(sums, on="order", how="left", maintain_order="left")


def _offers(world: World) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """The chain's offers (category x day) in hundredths of a percent; the last row, of services, has none."""
    days = [world.start + timedelta(days=d) for d in range(world.total_days)]
    offers = np.rint(reduce_prices(world.categories, days) * 10_000).astype(np.int64)
    return np.vstack([offers, np.zeros((1, len(days)), dtype=np.int64)])


def _categories(world: World, prices: Prices) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The category index of each item; services and tests come after the last."""
    index = {c.name: i for i, c in enumerate(world.categories)}
    return np.array([index.get(c, len(index)) for c in prices.items["category"].to_list()])
