"""What things cost and sell for, by day: yearly revisions, tax rates that change, printed prices. Money in paise.

Items are numbered: the catalogue's SKUs first, then what is made to order. The catalogue's prices hold at the end of
the history; earlier ones follow by going back through the revisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from ims.demo.days import Ints
from ims.demo.luck import Luck
from ims.demo.made_to_order import RATE_NOW, MadeToOrder
from ims.demo.parameters import read_table
from ims.demo.world import World

Paise = npt.NDArray[np.int64]
OPTICAL, STANDARD, EXEMPT = "GST_OPTICAL", "GST_18", "GST_EXEMPT"
RATES_BEFORE = {OPTICAL: 12, STANDARD: 18, EXEMPT: 0}  # percent
RATES_AFTER = {OPTICAL: 5, STANDARD: 18, EXEMPT: 0}
CLASSES = [OPTICAL, STANDARD, EXEMPT]
HSN = {"Frames": "9003", "Lenses": "9001", "Sunglasses": "9004", "Contact lenses": "9001", "Solutions": "3307",
       "Accessories": "4202", "Services": "9987", "Eye tests": "9993"}  # fmt: skip
DISCOUNTS_OF_CATEGORY = {"Services": "SERVICE", "Eye tests": "NON_DISCOUNTABLE"}
DISCOUNTS_OF_TIER = {"premium": "PREMIUM", "luxury": "LUXURY"}
OFFERED_BELOW_MRP = 0.20  # of items sell a tenth below their printed price


@dataclass(frozen=True)
class Prices:
    """Per item: sku, category, tax_class, discount_class, hsn_code in `items`; prices per item and period.

    unit_price is without tax, mrp with it; price_days and cost_days are the first days of the periods.
    """

    items: pl.DataFrame
    price_days: Ints
    unit_price: Paise
    mrp: Paise
    cost_days: Ints
    unit_cost: Paise
    tax_class: Ints
    cut_day: int

    def price_on(self, item: Ints, day: Ints) -> Paise:
        """Price without tax of items on days."""
        return self.unit_price[item, np.searchsorted(self.price_days, day, side="right") - 1]

    def mrp_on(self, item: Ints, day: Ints) -> Paise:
        """Printed price, tax included."""
        return self.mrp[item, np.searchsorted(self.price_days, day, side="right") - 1]

    def cost_on(self, item: Ints, day: Ints) -> Paise:
        """What a unit cost then."""
        return self.unit_cost[item, np.searchsorted(self.cost_days, day, side="right") - 1]

    def rate_on(self, item: Ints, day: Ints) -> Ints:
        """Tax in percent."""
        before, after = (np.array([r[c] for c in CLASSES]) for r in (RATES_BEFORE, RATES_AFTER))
        kind = self.tax_class[item]
        return np.where(day < self.cut_day, before[kind], after[kind])


def draw_prices(world: World, to_order: MadeToOrder) -> Prices:
    """Prices go up on 1 April for half the items, costs on 1 January for three in five."""
    luck = Luck(world.seed)
    catalogue = world.catalogue.frame
    columns = ["sku", "category", "subcategory", "unit_price", "unit_cost"]
    items = pl.concat([catalogue.select(columns), to_order.frame.select(columns)])
    count, key = len(items), np.arange(len(items))
    cut_on: date = read_table("seasons")["tax_cut_on"]
    cut_day = (cut_on - world.start).days
    end = world.start + timedelta(days=world.profile.weeks * 7)
    aprils = _days_of_year(world.start, end, 4)
    price_days = np.array(sorted({-100_000, *aprils, *([cut_day] if 0 < cut_day < (end - world.start).days else [])}))
    cost_days = np.array([-100_000, *_days_of_year(world.start, end, 1)])
    unit_price = _go_back(luck, "price", key, items["unit_price"].to_numpy(), price_days, aprils, 0.5, 0.08)
    unit_cost = _go_back(luck, "cost", key, items["unit_cost"].to_numpy(), cost_days, cost_days[1:].tolist(), 0.6, 0.06)
    classes = _tax_classes(world, items, to_order)
    before, after = (np.array([r[c] for c in CLASSES])[classes] for r in (RATES_BEFORE, RATES_AFTER))
    rate = np.where(price_days[None, :] < cut_day, before[:, None], after[:, None])
    above = np.where(luck.uniform("below mrp", key) < OFFERED_BELOW_MRP, 110, 100)[:, None]
    mrp = np.rint(unit_price * (100 + rate) * above / 1_000_000).astype(np.int64) * 100
    mrp = np.maximum(mrp, -(-unit_price // 100) * 100)
    tier = items["subcategory"].to_list()
    group = [
        DISCOUNTS_OF_CATEGORY.get(category, DISCOUNTS_OF_TIER.get(t, "MASS"))
        for category, t in zip(items["category"], tier, strict=True)
    ]
    described = items.select("sku", "category").with_columns(
        tax_class=pl.Series([CLASSES[c] for c in classes]),
        discount_class=pl.Series(group),
        hsn_code=pl.col("category").replace_strict(HSN, default="9999"),
    )
    assert len(described) == count
    return Prices(described, price_days, unit_price, mrp, cost_days, unit_cost, classes, cut_day)


def _days_of_year(start: date, end: date, month: int) -> list[int]:
    """Day indices of the first of `month` in every year inside (start, end)."""
    days = [date(year, month, 1) for year in range(start.year, end.year + 1)]
    return [(d - start).days for d in days if start < d < end]


def _go_back(
    luck: Luck,
    what: str,
    key: Ints,
    now: npt.NDArray[np.float64],
    days: Ints,
    steps: list[int],
    share: float,
    most: float,
) -> Paise:
    """(item x period) in paise: the last period has the price of now, each step back takes a rise off."""
    out = np.empty((len(now), len(days)), dtype=np.int64)
    price = now.copy()
    for period in range(len(days) - 1, -1, -1):
        out[:, period] = np.rint(price * 100)
        if int(days[period]) in steps:
            rose = luck.uniform(f"{what} rises", key * 64 + period) < share
            by = 0.02 + (most - 0.02) * luck.uniform(f"{what} rise", key * 64 + period)
            price = np.where(rose, np.round(price / (1.0 + by), 2), price)
    return out


def _tax_classes(world: World, items: pl.DataFrame, to_order: MadeToOrder) -> Ints:
    rates = [world.categories[c].tax_rate for c in world.catalogue.frame["category_index"].to_list()]
    rates += [RATE_NOW[g] for g in to_order.frame["group"].to_list()]
    return np.array([{0.05: 0, 0.18: 1, 0.0: 2}[r] for r in rates], dtype=np.int64)


def reduce_line(amount: Paise, share_bp: Ints) -> Paise:
    """The discount of an amount, `share_bp` in hundredths of a percent, rounded half up to the paisa."""
    return (amount * share_bp + 5_000) // 10_000


def tax_line(amount: Paise, percent: Ints) -> Paise:
    """Tax of an amount as PostgreSQL rounds it: half up to the paisa."""
    return (amount * percent + 50) // 100
