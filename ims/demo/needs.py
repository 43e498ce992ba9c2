"""What people need of the shelf: lens cells for their spectacles, boxes of contact lenses. Reads people and pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ims.demo.days import BURN_IN_DAYS, Flags, Floats, Ints
from ims.demo.demand import Needs
from ims.demo.luck import Luck
from ims.demo.made_to_order import MadeToOrder
from ims.demo.people import People
from ims.demo.wearers import Wearers
from ims.demo.world import World

BASIC, COATED, HIGH_INDEX, BIFOCAL, PROGRESSIVE = range(5)
CLASSES = ("basic", "coated", "high index", "bifocal", "progressive")
BASIC_SHARE = 0.44  # of single vision
STRONG_DIOPTRES = 4.5
PRESBYOPE = [0.22, 0.44, 0.34]  # bifocal, progressive, single vision


@dataclass(frozen=True)
class Glasses:
    """Every pair of spectacles asked for, one row each: slot, visit, pair_group, store, day, lens_class, lab_item
    (row of MadeToOrder, for an eye that the shelf cannot serve) and cell_r, cell_l (index into Pairs, -1: laboratory).
    """

    frame: pl.DataFrame


def draw_glasses(world: World, people: People, to_order: MadeToOrder) -> Glasses:
    """Each pair of a spectacle order, with the lens its wearer takes and the cell the store carries for each eye."""
    luck = Luck(world.seed)
    orders = people.visits.filter(pl.col("order_day") > -BURN_IN_DAYS - 1)
    slots = orders.with_columns(pair_group=pl.int_ranges(1, pl.col("pairs") + 1)).explode("pair_group")
    slot = slots["visit"].to_numpy() * 2 + slots["pair_group"].to_numpy() - 1
    lens_class = _choose_class(luck, slots, slot)
    cells = _find_cells(world, luck, slots, slot, lens_class)
    return Glasses(
        slots.select(
            "visit",
            "patient",
            "household",
            "store",
            "pair_group",
            slot=pl.Series(slot),
            day=pl.col("order_day"),
            lens_class=pl.Series(lens_class),
            lab_item=pl.Series(_choose_lab_item(luck, slot, lens_class, to_order)),
            cell_r=pl.Series(cells[0]),
            cell_l=pl.Series(cells[1]),
        ).sort("day", "slot")
    )


def _choose_class(luck: Luck, slots: pl.DataFrame, slot: Ints) -> Ints:
    """By age and power: progressive or bifocal with an addition, high index for strong lenses, else basic or coated."""
    needs_add = slots["add"].to_numpy() > 0
    strongest = slots.select(
        pl.max_horizontal(*(pl.col(f"sph_{s}").abs() + pl.col(f"cyl_{s}").abs() for s in "rl"))
    ).to_series()
    near = luck.choose("near lens", slot, PRESBYOPE)
    high = luck.uniform("high index", slot) < np.where(strongest.to_numpy() >= STRONG_DIOPTRES, 0.75, 0.03)
    basic = luck.uniform("basic lens", slot) < BASIC_SHARE
    single = np.where(high, HIGH_INDEX, np.where(basic, BASIC, COATED))
    return np.where(needs_add & (near == 0), BIFOCAL, np.where(needs_add & (near == 1), PROGRESSIVE, single))


def _choose_lab_item(luck: Luck, slot: Ints, lens_class: Ints, to_order: MadeToOrder) -> Ints:
    item = np.zeros(len(slot), dtype=np.int64)
    weights = to_order.frame["weight"].to_numpy()
    for number, name in enumerate(CLASSES):
        rows = np.array(to_order.rows_of("class", name))
        chosen = rows[luck.choose("laboratory lens", slot, weights[rows])]
        item = np.where(lens_class == number, chosen, item)
    return item


def _find_cells(world: World, luck: Luck, slots: pl.DataFrame, slot: Ints, lens_class: Ints) -> tuple[Ints, Ints]:
    """The line for both eyes that the store carries most of; of equals, the one that luck and its share prefer."""
    coated, shares, grid = _tabulate_grid(world)
    store, day = slots["store"].to_numpy(), slots["order_day"].to_numpy()
    power = [
        (np.rint(slots[f"sph_{s}"].to_numpy() * 4).astype(int), np.rint(slots[f"cyl_{s}"].to_numpy() * 4).astype(int))
        for s in "rl"
    ]
    best = np.full(len(slot), -1.0)
    out = [np.full(len(slot), -1), np.full(len(slot), -1)]
    start, end = world.pairs.start_day, world.pairs.end_day
    for line in range(len(coated)):
        found = []
        for sph, cyl in power:
            inside = (np.abs(sph) <= 64) & (cyl >= -24)
            cell = np.where(inside, grid[store, line, sph.clip(-64, 64) + 64, cyl.clip(-24, 0) + 24], -1)
            live = (cell >= 0) & (start[cell] <= day) & (day < end[cell])
            found.append(np.where(live, cell, -1))
        taste = shares[line] / shares.sum() * luck.uniform(f"line {line}", slot)
        right_class = lens_class == (COATED if coated[line] else BASIC)
        score = np.where(right_class, (found[0] >= 0) * 2.0 + (found[1] >= 0) * 2.0 + taste, -1.0)
        better = score > best
        best = np.where(better, score, best)
        out = [np.where(better, f, o) for f, o in zip(found, out, strict=True)]
    return out[0], out[1]


def _tabulate_grid(world: World) -> tuple[Flags, Floats, npt.NDArray[np.int64]]:
    """Which lens lines are coated, their shares, and the pair (or -1) of (store, line, sph + 16 D, cyl + 6 D)."""
    pairs = world.pairs
    category = next(i for i, c in enumerate(world.categories) if c.key == "lenses")
    cells = world.catalogue.frame.with_row_index("sku_index").filter(pl.col("category_index") == category)
    lines = cells.head(world.profile.lens_lines)  # the catalogue lists them cell by cell, the most wanted cell first
    first = int(cells["sku_index"][0])
    sph, cyl = (
        np.rint(cells["attributes"].str.json_path_match(f"$.{p}").cast(pl.Float64).to_numpy() * 4).astype(np.int64)
        for p in ("sph", "cyl")
    )
    pair = np.nonzero((pairs.category == category) & pairs.is_shop)[0]
    cell = pairs.sku[pair] - first
    grid = np.full((len(world.stores.codes), len(lines), 129, 25), -1, dtype=np.int64)
    grid[pairs.store[pair], cell % len(lines), sph[cell] + 64, cyl[cell] + 24] = pair
    return ~lines["tier"].str.ends_with("HC").to_numpy(), lines["popularity"].to_numpy(), grid


def draw_needs(world: World, glasses: Glasses, wearers: Wearers) -> tuple[Needs, pl.DataFrame]:
    """Needs within the simulated days, and beside them what each is for: need_id, kind (0 eye, 1 refill), key, eye.

    eye is 0 right, 1 left; a refill of the same lens for both eyes is one need of eye 0.
    """
    eyes = pl.concat(
        [
            glasses.frame.select("day", pair=f"cell_{s}", quantity=pl.lit(1), kind=pl.lit(0), key="slot", eye=pl.lit(e))
            for e, s in enumerate("rl")
        ]
    ).filter(pl.col("pair") >= 0)
    refills = wearers.refills.join(wearers.wearers, on="wearer", maintain_order="left")
    is_one = pl.col("pair_r") == pl.col("pair_l")
    right = refills.select(
        "day",
        pair="pair_r",
        quantity=pl.when(is_one).then(2 * pl.col("boxes")).otherwise(pl.col("boxes")).cast(pl.Int32),
        kind=pl.lit(1),
        key="refill",
        eye=pl.lit(0),
    )
    left = refills.filter(~is_one).select(
        "day", pair="pair_l", quantity=pl.col("boxes").cast(pl.Int32), kind=pl.lit(1), key="refill", eye=pl.lit(1)
    )
    inside = pl.col("day").is_between(-BURN_IN_DAYS, world.total_days, closed="left")
    frame = pl.concat([eyes, right, left]).filter(inside).sort("day", "kind", "key", "eye").with_row_index("need_id")
    frame = frame.with_columns(pl.col("need_id", "day", "pair", "quantity").cast(pl.Int64))
    needs = Needs(*(frame[c].to_numpy() for c in ("day", "pair", "quantity", "need_id")))
    return needs, frame


def serve(frame: pl.DataFrame, sales: npt.NDArray[np.int16]) -> pl.DataFrame:
    """Needs of the history with `served`: units of the day's sales of their pair, first come first served."""
    frame = frame.filter(pl.col("day") >= 0)
    sold = sales[frame["day"].to_numpy(), frame["pair"].to_numpy()].astype(np.int64)
    before = pl.col("quantity").cum_sum().over("day", "pair") - pl.col("quantity")
    return frame.with_columns(served=(pl.Series(sold) - before).clip(0, pl.col("quantity")))
