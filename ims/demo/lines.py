"""What goes into whose order: units that left a shelf, lenses a laboratory makes, services. No prices, no times.

Every unit that the history sold is in exactly one line; a line that the shelf did not serve has pair -1.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ims.demo.days import Ints
from ims.demo.history import History
from ims.demo.luck import Luck
from ims.demo.made_to_order import MadeToOrder
from ims.demo.needs import Glasses, serve
from ims.demo.people import TESTED
from ims.demo.world import World

SPECTACLES, REFILL, QUICK, SERVICE, WEARER_SPECIAL, SPECIAL, CANCELLED, DRAFT = range(8)  # the last octal of an order
STORES_MAX, BASKETS_MAX = 64, 1024
LINES_PER_BASKET = 1.3
WITH_SPECTACLES = {"accessories": 0.45, "sunglasses": 0.12, "solutions": 0.05}
WITH_REFILL = {"solutions": 0.70}
TEST_FEE_SHARE, FITTING_SHARE, SERVICES_A_DAY = 0.30, 0.5, 0.35
SUBSTITUTED, SPECIAL_ORDER = 0, 1  # outcomes of unmet demand


def fill_lines(
    world: World, glasses: Glasses, visits: pl.DataFrame, needs: pl.DataFrame, history: History, to_order: MadeToOrder
) -> pl.DataFrame:
    """One row per line: order, store, day, item, pair, quantity, pair_group, eye (0 right, 1 left), slot, special_day.

    special_day is when what was ordered for this line alone arrives, -1 else.
    """
    luck = Luck(world.seed)
    needs = _settle(needs, history)
    slots = glasses.frame.filter(pl.col("day").is_between(0, world.total_days, closed="left"))
    eyes = _complete(_put_lenses(world, slots, needs))
    refills = _complete(_put_refills(world, needs))
    shelf = _list_shelf(world, history, pl.concat([eyes, refills]))
    frames, rest = _match_frames(world, luck, shelf, slots)
    fees = _add_fees(world, luck, slots, frames, visits, to_order)
    joined, rest = _attach(world, luck, rest, slots, refills)
    parts = [eyes, refills, frames, fees, joined, _fill_baskets(luck, rest), _serve_quickly(world, luck, to_order)]
    parts.append(_order_specially(world, history))
    lines = pl.concat([_complete(part) for part in parts]).sort(
        "day", "order", "slot", "eye", "item", "quantity", "pair"
    )
    return lines.with_columns(line_no=pl.int_range(1, pl.len() + 1).over("order"))


def _complete(part: pl.DataFrame) -> pl.DataFrame:
    """All columns, in one order and type."""
    defaults = {"pair": -1, "pair_group": 0, "eye": -1, "slot": -1, "special_day": -1}
    missing = [pl.lit(v).alias(c) for c, v in defaults.items() if c not in part.columns]
    columns = ("order", "store", "day", "item", "pair", "quantity", "pair_group", "eye", "slot", "special_day")
    return part.with_columns(missing).select(pl.col(c).cast(pl.Int64) for c in columns)


def _settle(needs: pl.DataFrame, history: History) -> pl.DataFrame:
    """Needs with what served them: served units of their own pair, or `other` (a substitute), or `special_day`."""
    served = serve(needs, history.sales)
    short = served.filter(pl.col("served") < pl.col("quantity")).with_columns(
        unit=pl.int_ranges(0, pl.col("quantity") - pl.col("served"))
    )
    short = short.explode("unit").with_columns(rank=pl.int_range(pl.len()).over("day", "pair"))
    unmet = history.unmet.filter(pl.col("outcome") <= SPECIAL_ORDER).with_columns(unit=pl.int_ranges(0, "quantity"))
    unmet = (
        unmet.explode("unit")
        .sort("day", "pair", "outcome", "other")
        .with_columns(rank=pl.int_range(pl.len()).over("day", "pair"))
    )
    helped = short.join(
        unmet.select("day", "pair", "rank", "outcome", "other", "arrives_day"), on=["day", "pair", "rank"]
    )
    helped = helped.group_by("need_id", "outcome", "other", "arrives_day").agg(helped=pl.len().cast(pl.Int64))
    return served.join(helped, on="need_id", how="left", maintain_order="left")


def _put_lenses(world: World, slots: pl.DataFrame, needs: pl.DataFrame) -> pl.DataFrame:
    """Two lines for each pair of spectacles: from the shelf where it served, else from the laboratory."""
    skus, sku_of = len(world.catalogue.frame), pl.Series(world.pairs.sku)
    eyes = pl.concat(
        slots.select("visit", "store", "day", "slot", "pair_group", "lab_item", eye=pl.lit(e)) for e in (0, 1)
    )
    mine = needs.filter(pl.col("kind") == 0).select(
        "pair", "served", "outcome", "other", "arrives_day", slot="key", eye="eye"
    )
    eyes = eyes.join(mine, on=["slot", "eye"], how="left", maintain_order="left")
    swapped = (pl.col("outcome") == SUBSTITUTED).fill_null(value=False)
    special = (pl.col("outcome") == SPECIAL_ORDER).fill_null(value=False)
    got = pl.when(pl.col("served") > 0).then("pair").when(swapped).then("other").otherwise(-1)
    named = pl.when(special & (pl.col("served") == 0)).then("pair").otherwise(got)
    eyes = eyes.with_columns(pair=got, named=named)
    item = pl.when(pl.col("named") >= 0).then(sku_of.gather(eyes["named"].clip(0))).otherwise(skus + pl.col("lab_item"))
    return eyes.select(
        "store",
        "day",
        "pair",
        "pair_group",
        "eye",
        "slot",
        order=pl.col("visit") * 8 + SPECTACLES,
        item=item,
        quantity=pl.lit(1),
        special_day=pl.when(special & (pl.col("pair") < 0)).then("arrives_day").otherwise(-1),
    )


def _put_refills(world: World, needs: pl.DataFrame) -> pl.DataFrame:
    """Boxes of contact lenses: of one's own, of one that does as well, or ordered for the wearer."""
    mine = needs.filter(pl.col("kind") == 1)
    own = mine.unique("need_id", maintain_order=True).filter(pl.col("served") > 0)
    swapped = mine.filter(pl.col("outcome") == SUBSTITUTED)
    special = mine.filter(pl.col("outcome") == SPECIAL_ORDER)
    sku_of = pl.Series(world.pairs.sku)
    store_of = pl.Series(world.pairs.store)

    def rows(frame: pl.DataFrame, pair: str, quantity: str, kind: int, is_special: bool) -> pl.DataFrame:
        return frame.select(
            store=store_of.gather(frame[pair]),
            day="day",
            pair=pl.lit(-1) if is_special else pl.col(pair),
            order=pl.col("key") * 8 + kind,
            item=sku_of.gather(frame[pair]),
            quantity=pl.col(quantity),
            special_day=pl.col("arrives_day") if is_special else pl.lit(-1),
        )

    return pl.concat(
        [
            rows(own, "pair", "served", REFILL, is_special=False),
            rows(swapped, "other", "helped", REFILL, is_special=False),
            rows(special, "pair", "helped", WEARER_SPECIAL, is_special=True),
        ],
        how="vertical_relaxed",
    )


def _list_shelf(world: World, history: History, taken: pl.DataFrame) -> pl.DataFrame:
    """Lines for what left a shelf and is in no line of `taken`: day, store, pair, item, category, quantity, key."""
    left = history.sales.astype(np.int64)
    from_shelf = taken.filter(pl.col("pair") >= 0)
    np.subtract.at(
        left, (from_shelf["day"].to_numpy(), from_shelf["pair"].to_numpy()), from_shelf["quantity"].to_numpy()
    )
    day, pair = np.nonzero(left > 0)
    units = left[day, pair]
    limit = np.array([c.line_qty_max for c in world.categories])[world.pairs.category[pair]]
    count = -(-units // limit)
    row = np.repeat(np.arange(len(pair)), count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    quantity = np.minimum(units[row] - number * limit[row], limit[row])
    return pl.DataFrame(
        {
            "day": day[row],
            "store": world.pairs.store[pair[row]],
            "pair": pair[row],
            "item": world.pairs.sku[pair[row]],
            "category": world.pairs.category[pair[row]],
            "quantity": quantity,
            "key": (day[row] * len(world.pairs.sku) + pair[row]) * 16 + number,
        }
    )


def _match_frames(
    world: World, luck: Luck, shelf: pl.DataFrame, slots: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Frames of a store's day go to its pairs of spectacles; a pair without one has the customer's own frame."""
    is_frame = pl.col("category") == _category(world, "frames")
    frames, rest = shelf.filter(is_frame), shelf.filter(~is_frame)
    frames = _rank(luck, "frame", frames, "key")
    wanted = _rank(luck, "wanted frame", slots.select("visit", "slot", "store", "day", "pair_group"), "slot")
    matched = frames.join(wanted, on=["store", "day", "rank"], how="left", maintain_order="left")
    worn = matched.filter(pl.col("slot").is_not_null()).with_columns(order=pl.col("visit") * 8 + SPECTACLES)
    alone = matched.filter(pl.col("slot").is_null()).select(shelf.columns)
    return worn, pl.concat([rest, alone])


def _rank(luck: Luck, purpose: str, frame: pl.DataFrame, key: str) -> pl.DataFrame:
    """With `rank`: the place of each row in a random order of its store's day, from 0."""
    drawn = frame.with_columns(luck=pl.Series(luck.uniform(purpose, frame[key].to_numpy())))
    return drawn.sort("luck", key).with_columns(rank=pl.int_range(pl.len()).over("store", "day")).drop("luck")


def _add_fees(
    world: World, luck: Luck, slots: pl.DataFrame, frames: pl.DataFrame, visits: pl.DataFrame, to_order: MadeToOrder
) -> pl.DataFrame:
    """Eye test fees of some who were tested here, and fitting into frames that customers brought."""
    skus = len(world.catalogue.frame)
    fee, fitting = (skus + to_order.frame["sku"].to_list().index(s) for s in ("ET-STD", "SV-FIT"))
    orders = slots.unique("visit", maintain_order=True).join(
        visits.select("visit", "kind"), on="visit", maintain_order="left"
    )
    visit = orders["visit"].to_numpy()
    pays = (luck.uniform("test fee", visit) < TEST_FEE_SHARE) & (orders["kind"].to_numpy() == TESTED)
    own = slots.join(frames.select("slot"), on="slot", how="anti").unique("visit", maintain_order=True)
    fits = luck.uniform("fitting", own["visit"].to_numpy()) < FITTING_SHARE
    return pl.concat(
        frame.select("store", "day", order=pl.col("visit") * 8 + SPECTACLES, item=pl.lit(item), quantity=pl.lit(1))
        for frame, item in ((orders.filter(pl.Series(pays)), fee), (own.filter(pl.Series(fits)), fitting))
    )


def _attach(
    world: World, luck: Luck, rest: pl.DataFrame, slots: pl.DataFrame, refills: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Accessories go with spectacles and solutions with contact lenses, where somebody bought these that day."""
    key = rest["key"].to_numpy()
    drawn, pick = luck.uniform("attach", key), luck.uniform("attach to", key)
    joined = []
    for shares, orders in (
        (WITH_REFILL, refills.filter(pl.col("order") % 8 == REFILL)),
        (WITH_SPECTACLES, slots.with_columns(order=pl.col("visit") * 8 + SPECTACLES)),
    ):
        own = orders.select("store", "day", "order").unique().sort("store", "day", "order")
        own = own.with_columns(
            rank=pl.int_range(pl.len()).over("store", "day"), n=pl.len().cast(pl.Int64).over("store", "day")
        )
        share = pl.col("category").replace_strict(
            {_category(world, c): s for c, s in shares.items()}, default=0.0, return_dtype=pl.Float64
        )
        wish = rest.with_columns(drawn=pl.Series(drawn), pick=pl.Series(pick)).filter(pl.col("drawn") < share)
        counted = wish.join(own.select("store", "day", "n").unique(), on=["store", "day"], maintain_order="left")
        chosen = counted.with_columns(rank=(pl.col("pick") * pl.col("n")).floor().cast(pl.Int64))
        taken = chosen.join(own.drop("n"), on=["store", "day", "rank"], maintain_order="left")
        joined.append(taken.select(*rest.columns, "order"))
        keep = ~rest["key"].is_in(taken["key"].implode())
        rest, drawn, pick = rest.filter(keep), drawn[keep.to_numpy()], pick[keep.to_numpy()]
    return pl.concat(joined), rest


def _fill_baskets(luck: Luck, rest: pl.DataFrame) -> pl.DataFrame:
    """What is left of a store's day falls into quick orders at random, 1.3 lines to each."""
    drawn = rest.with_columns(luck=pl.Series(luck.uniform("basket", rest["key"].to_numpy())))
    baskets = (pl.len().over("store", "day") / LINES_PER_BASKET).ceil()
    number = (pl.col("luck") * baskets).floor().cast(pl.Int64)
    place = (pl.col("day") * STORES_MAX + pl.col("store")) * BASKETS_MAX
    return drawn.with_columns(order=(place + number) * 8 + QUICK)


def _serve_quickly(world: World, luck: Luck, to_order: MadeToOrder) -> pl.DataFrame:
    """Services that people come in for, without anything else."""
    stores = len(world.stores.codes)
    day, store = (a.ravel() for a in np.divmod(np.arange(world.total_days * stores), stores))
    key = day * STORES_MAX + store
    open_now = (world.stores.open_day[store] <= day) & (day < world.stores.close_day[store])
    asked = open_now & (luck.uniform("service", key) < SERVICES_A_DAY * world.stores.size[store])
    rows = np.array([r for r in to_order.rows_of("group", "services") if to_order.frame["sku"][r] != "SV-FIT"])
    item = (
        len(world.catalogue.frame) + rows[luck.choose("which service", key, to_order.frame["weight"].to_numpy()[rows])]
    )
    columns = {"order": key * 8 + SERVICE, "store": store, "day": day, "item": item}
    return pl.DataFrame(columns).filter(pl.Series(asked)).with_columns(quantity=pl.lit(1))


def _order_specially(world: World, history: History) -> pl.DataFrame:
    """What was not on the shelf and was ordered for a customer: frames, sunglasses, solutions, accessories."""
    needed = [_category(world, c) for c in ("lenses", "contact_lenses")]
    rows = history.unmet.filter(pl.col("outcome") == SPECIAL_ORDER)
    rows = rows.group_by("day", "pair").agg(pl.col("quantity").sum(), special_day=pl.col("arrives_day").max())
    pair: Ints = rows["pair"].to_numpy()
    own = ~np.isin(world.pairs.category[pair], needed)
    return rows.select(
        "day",
        "quantity",
        "special_day",
        store=pl.Series(world.pairs.store[pair]),
        item=pl.Series(world.pairs.sku[pair]),
        order=(pl.col("day") * len(world.pairs.sku) + pl.col("pair")) * 8 + SPECIAL,
        pair=pl.lit(-1),
    ).filter(pl.Series(own))


def _category(world: World, key: str) -> int:
    return next(i for i, c in enumerate(world.categories) if c.key == key)
