"""Turns units sold per day, store and SKU into till receipts: lines, orders, times, customers, prices, and returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from ims.demo.assortment import Pairs
from ims.demo.catalogue import Catalogue
from ims.demo.days import Floats, Ints
from ims.demo.history import History
from ims.demo.parameters import Category
from ims.demo.seasons import reduce_prices
from ims.demo.stores import Stores
from ims.demo.streams import open_stream

LINES_PER_ORDER = 1.6
ANONYMOUS_SHARE = 0.08
REGULAR_SHARE = 0.45  # of orders come from a customer the store has seen before
OPENING_UTC = 4 * 3600 + 1800  # 10:00 in Asia/Kolkata, seconds of the UTC day
TRADING_SECONDS = 11 * 3600


@dataclass
class Till:
    """Writes receipts period by period; remembers how many customers each store knows, and what was sold to whom."""

    pairs: Pairs
    catalogue: Catalogue
    categories: list[Category]
    stores: Stores
    start: date
    seed: int
    _known: dict[int, int] = field(default_factory=dict)
    _sold: list[pl.DataFrame] = field(default_factory=list)

    def write_receipts(self, history: History, first_day: int, end_day: int) -> pl.DataFrame:
        """The `sales` file for first_day <= day < end_day, in order of time; call for one period after the other."""
        lines = self._fill_baskets(history, first_day, end_day)
        self._sold.append(lines.unique(["day", "pair"], keep="first", maintain_order=True))
        both = pl.concat([lines, self._take_back(history, first_day, end_day).select(lines.columns)])
        midnight = pl.lit(self.start) + pl.duration(days="day")
        codes = dict(enumerate(self.stores.codes))
        skus = dict(enumerate(self.catalogue.frame["sku"]))
        return both.sort("day", "store", "order_ref", "line_no").select(
            sold_on=midnight,
            store_code=pl.col("store").replace_strict(codes, return_dtype=pl.String),
            sku=pl.col("sku").replace_strict(skus, return_dtype=pl.String),
            quantity=pl.col("quantity").cast(pl.Int32),
            sold_at=(midnight.cast(pl.Datetime("us")) + pl.duration(seconds="second")).dt.replace_time_zone("UTC"),
            net_amount=pl.col("amount").cast(pl.Decimal(14, 2)),
            order_ref="order_ref",
            line_ref=pl.col("line_no").cast(pl.String),
            customer_ref="customer_ref",
        )

    def _fill_baskets(self, history: History, first_day: int, end_day: int) -> pl.DataFrame:
        """One row per line. Lines of a store-day fall into its orders at random, about 1.6 to an order."""
        rng = open_stream(self.seed, "baskets", first_day)
        offset, pair = np.nonzero(history.sales[first_day:end_day])
        units = history.sales[first_day:end_day][offset, pair].astype(np.int64)
        limit = np.array([c.line_qty_max for c in self.categories])[self.pairs.category[pair]]
        count = -(-units // limit)
        row = np.repeat(np.arange(len(pair)), count)
        is_last = np.append(row[1:] != row[:-1], True) if len(row) else np.zeros(0, dtype=bool)
        quantity = np.where(is_last, (units - (count - 1) * limit)[row], limit[row])
        day, pair = offset[row] + first_day, pair[row]
        store = self.pairs.store[pair]
        lines = pl.DataFrame({"day": day, "store": store, "pair": pair, "quantity": quantity})
        lines = lines.with_columns(sku=pl.Series(self.pairs.sku[pair]), luck=pl.Series(rng.random(len(row))))
        orders_that_day = (pl.len() / LINES_PER_ORDER).ceil()
        lines = lines.with_columns(basket=(pl.col("luck") * orders_that_day).floor().over("day", "store"))
        unit_amount = self.catalogue.column("unit_price")[lines["sku"].to_numpy()]
        kept = self._keep_after_discount(rng, day, self.pairs.category[pair], first_day, end_day)
        lines = lines.with_columns(amount=(pl.Series(unit_amount * kept) * pl.col("quantity")).round(2))
        orders = self._open_orders(lines, rng)
        return lines.join(orders, on=["day", "store", "basket"], maintain_order="left").select(
            "day",
            "store",
            "pair",
            "sku",
            "quantity",
            "amount",
            "second",
            "order_ref",
            pl.int_range(1, pl.len() + 1).over("order_ref").alias("line_no"),
            "customer_ref",
        )

    def _open_orders(self, lines: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """One row per basket: its time, reference (numbered by time within the store-day) and customer."""
        orders = lines.select("day", "store", "basket").unique(maintain_order=True).sort("day", "store", "basket")
        second = OPENING_UTC + (rng.beta(1.6, 1.3, len(orders)) * TRADING_SECONDS).astype(np.int64)
        orders = orders.with_columns(second=pl.Series(second)).sort("day", "store", "second", maintain_order=True)
        orders = orders.with_columns(
            self._refer("", pl.int_range(1, pl.len() + 1).over("day", "store")),
            customer_ref=pl.Series(self._recognise(orders["store"].to_numpy(), rng), dtype=pl.String),
        )
        return orders

    def _recognise(self, store: Ints, rng: np.random.Generator) -> list[str | None]:
        """A customer for each order: someone the store knows, someone new, or nobody who gave a name."""
        kind, choice = rng.random((2, len(store)))
        names: list[str | None] = []
        for s, k, c in zip(store.tolist(), kind.tolist(), choice.tolist(), strict=True):
            known = self._known.get(s, 0)
            if k < ANONYMOUS_SHARE:
                names.append(None)
                continue
            number = int(c * known) + 1
            if known == 0 or k > ANONYMOUS_SHARE + REGULAR_SHARE:
                number = self._known[s] = known + 1
            names.append(f"C-{self.stores.codes[s]}-{number:05d}")
        return names

    def _keep_after_discount(
        self,
        rng: np.random.Generator,
        day: Ints,
        category: Ints,
        first: int,
        end: int,
    ) -> Floats:
        """Share of the price that is paid: 45 % of lines in full, others about 9 % less, then the day's offers."""
        n = len(day)
        own = np.where(rng.random(n) < 0.45, 0.0, np.minimum(rng.beta(1.6, 16.2, n), 0.25))
        offers = reduce_prices(self.categories, [self.start + timedelta(days=d) for d in range(first, end)])
        return (1.0 - np.round(own, 2)) * (1.0 - offers[category, day - first])

    def _take_back(self, history: History, first_day: int, end_day: int) -> pl.DataFrame:
        """Return lines: the customer and unit amount of the sale they undo, under a reference of their own."""
        returned = history.returns.filter(pl.col("day").is_between(first_day, end_day, closed="left"))
        rng = open_stream(self.seed, "returns", first_day)
        second = OPENING_UTC + (rng.random(len(returned)) * TRADING_SECONDS).astype(np.int64)
        sold = pl.concat(self._sold).rename({"quantity": "sold_quantity", "amount": "sold_amount", "day": "sold_day"})
        sold = sold.drop("second", "order_ref", "line_no")
        returned = returned.with_columns(second=pl.Series(second)).join(
            sold, on=["sold_day", "pair"], maintain_order="left"
        )
        return returned.sort("day", "store", "second", maintain_order=True).with_columns(
            self._refer("R", pl.int_range(1, pl.len() + 1).over("day", "store")),
            quantity=-pl.col("quantity"),
            amount=-(pl.col("quantity") * pl.col("sold_amount") / pl.col("sold_quantity")).round(2),
            line_no=pl.lit(1, dtype=pl.Int64),
        )

    def _refer(self, mark: str, number: pl.Expr) -> pl.Expr:
        codes = dict(enumerate(self.stores.codes))
        store = pl.col("store").replace_strict(codes, return_dtype=pl.String)
        on = (pl.lit(self.start) + pl.duration(days="day")).dt.strftime("%y%m%d")
        return pl.format("{}-{}{}-{}", store, pl.lit(mark), on, number.cast(pl.String).str.zfill(3)).alias("order_ref")
