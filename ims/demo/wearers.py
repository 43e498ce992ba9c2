"""Wearers of contact lenses: each has fixed powers and a kind of lens, and comes again when the supply runs out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ims.demo.clock import day_on
from ims.demo.days import BURN_IN_DAYS, FOREVER, Floats, Ints
from ims.demo.luck import Luck
from ims.demo.parameters import read_table
from ims.demo.people import LATER_DAYS
from ims.demo.streams import open_stream
from ims.demo.world import World

CHURN_PER_YEAR = 0.18
GAP_MEAN, GAP_SD = 1.15, 0.25  # of the days a supply lasts
SAME_POWER = 0.65
SKIPPED = 0.08  # of refills, out of season
COLOUR_PEAK = 1.35  # months of weddings, to the others
AGES = (16, 45)


@dataclass(frozen=True)
class Modality:
    """share of wearers, lenses in a box, boxes for one eye at a time, and the days these last."""

    share: float
    lenses_per_box: int
    boxes: int
    supply_days: int


MODALITIES = {
    "monthly": Modality(0.55, 3, 1, 90),
    "fortnightly": Modality(0.10, 6, 1, 84),
    "daily": Modality(0.22, 30, 2, 60),
    "yearly": Modality(0.05, 1, 1, 365),
    "colour": Modality(0.08, 2, 1, 60),
}


@dataclass(frozen=True)
class Wearers:
    """wearers: wearer, store, since_day, age, is_female, modality, pair_r, pair_l, boxes.

    refills: refill, wearer, day.
    """

    wearers: pl.DataFrame
    refills: pl.DataFrame


def draw_wearers(world: World) -> Wearers:
    """Wearers who keep a mean store at its units of boxes a day, and every refill they come for."""
    luck = Luck(world.seed)
    wearers = _draw_wearers(world, luck)
    return Wearers(wearers.drop("until_day", "first_day"), _draw_refills(world, luck, wearers))


def _draw_wearers(world: World, luck: Luck) -> pl.DataFrame:
    """Those who wear lenses when the store opens (or the burn-in does), and those who begin later."""
    kinds = list(MODALITIES.values())
    a_day = sum(m.share * 2 * m.boxes / (m.supply_days * GAP_MEAN) for m in kinds)
    trend = read_table("seasons")["trend_per_year"]
    count = world.profile.units["contact_lenses"] / a_day / (1 - SKIPPED)
    end = world.profile.weeks * 7 + LATER_DAYS
    rows = []
    for s, size in enumerate(world.stores.size):
        opens = max(int(world.stores.open_day[s]), -BURN_IN_DAYS)
        is_new = opens > -BURN_IN_DAYS
        rng = open_stream(world.seed, "wearers", s)
        days = np.arange(opens, end)
        growth = (1 + trend) ** (days / 365.25)
        old = rng.poisson(count * size * growth[0]) if len(days) else 0
        fresh = rng.poisson(count * size * (CHURN_PER_YEAR + trend) / 365.25 * growth)
        since = np.concatenate([np.full(old, opens if is_new else -FOREVER), np.repeat(days, fresh)])
        rows.append(
            np.stack([np.full(len(since), s), since, np.arange(len(since)) + s * 1_000_000, np.full(len(since), opens)])
        )
    store, since, wearer, opens_ = np.concatenate(rows, axis=1)
    life = luck.exponential("churn", wearer, 365.25 / CHURN_PER_YEAR).astype(np.int64)
    modality = luck.choose("modality", wearer, [m.share for m in kinds])
    supply = np.array([m.supply_days for m in kinds])[modality]
    phase = (luck.uniform("phase", wearer) * supply * GAP_MEAN).astype(np.int64)
    begun = since > opens_
    first = np.where(begun, since, opens_ + phase)
    frame = pl.DataFrame(
        {
            "wearer": wearer,
            "store": store,
            "since_day": np.where(since < -BURN_IN_DAYS, -FOREVER, first),
            "first_day": first,
            "until_day": np.where(begun, since, opens_) + life,
            "age": AGES[0] + luck.uniform("age", wearer) * (AGES[1] - AGES[0]),
            "is_female": luck.uniform("gender", wearer) < 0.62,
            "modality": modality,
            "boxes": np.array([m.boxes for m in kinds])[modality],
        }
    )
    pair_r, pair_l = _choose_lenses(world, luck, frame)
    return frame.with_columns(pair_r=pair_r, pair_l=pair_l)


def _choose_lenses(world: World, luck: Luck, wearers: pl.DataFrame) -> tuple[Ints, Ints]:
    """A pair of the store's for each eye: the right one by what the store sells, the left one near it in power."""
    catalogue, pairs = world.catalogue.frame, world.pairs
    names = list(MODALITIES)
    kind = catalogue["attributes"].str.json_path_match("$.modality").to_list()
    power = catalogue["attributes"].str.json_path_match("$.power").cast(pl.Float64).fill_null(0.0).to_numpy()
    kind_of = np.array([names.index(k) if k in names else -1 for k in kind])
    key, store, modality = (wearers[c].to_numpy() for c in ("wearer", "store", "modality"))
    right, left = np.full(len(key), -1), np.full(len(key), -1)
    u, same = luck.uniform("right lens", key), luck.uniform("same power", key)
    wish = 0.5 * luck.normal("left power", key)
    category = next(i for i, c in enumerate(world.categories) if c.key == "contact_lenses")
    sells = (pairs.category == category) & (pairs.store < len(world.stores.codes))
    for s in range(len(world.stores.codes)):
        for m in range(len(names)):
            who = np.nonzero((store == s) & (modality == m))[0]
            own = np.nonzero(sells & (pairs.store == s) & (kind_of[pairs.sku] == m))[0]
            if not len(own):
                own = np.nonzero(sells & (pairs.store == s))[0]
            if not len(who) or not len(own):
                continue
            edges = np.cumsum(pairs.base[own])
            chosen = np.searchsorted(edges / edges[-1], u[who]).clip(0, len(own) - 1)
            away: Floats = np.abs(power[pairs.sku[own]][None, :] - (power[pairs.sku[own[chosen]]] + wish[who])[:, None])
            near = np.where(same[who] < SAME_POWER, chosen, away.argmin(axis=1))
            right[who], left[who] = own[chosen], own[near]
    return right, left


def _draw_refills(world: World, luck: Luck, wearers: pl.DataFrame) -> pl.DataFrame:
    """Order after order until the wearer stays away or the store closes."""
    wearer, store, day = (wearers[c].to_numpy() for c in ("wearer", "store", "first_day"))
    until = np.minimum(wearers["until_day"].to_numpy(), world.stores.close_day[store])
    until = np.minimum(until, world.profile.weeks * 7 + LATER_DAYS)
    supply = np.array([m.supply_days for m in MODALITIES.values()])[wearers["modality"].to_numpy()]
    sigma = np.sqrt(np.log1p((GAP_SD / GAP_MEAN) ** 2))
    weekdays = read_table("seasons")["weekdays"]
    parts = []
    keep = (day < until) & (wearers["pair_r"].to_numpy() >= 0)
    number = 0
    while keep.any():
        wearer, day, until, supply = wearer[keep], day[keep], until[keep], supply[keep]
        refill = wearer * 64 + number
        parts.append(np.stack([refill, wearer, day]))
        gap = supply * np.exp(np.log(GAP_MEAN) - sigma**2 / 2 + sigma * luck.normal("gap", refill))
        week = np.floor((day + gap) / 7).astype(np.int64)
        day = np.maximum(week * 7 + luck.choose("refill weekday", refill, weekdays), day + 7)
        keep = day < until
        number += 1
    columns = np.concatenate(parts, axis=1)
    refills = pl.DataFrame(dict(zip(("refill", "wearer", "day"), columns, strict=True))).sort("day", "refill")
    return _skip_out_of_season(world, luck, wearers, refills)


def _skip_out_of_season(world: World, luck: Luck, wearers: pl.DataFrame, refills: pl.DataFrame) -> pl.DataFrame:
    """Fewer come outside the months of weddings, and far fewer for colour: they wear what they have a little longer."""
    season = np.array(read_table("seasons")["months"]["contact_lenses"])
    months = day_on(world.start, pl.col("day")).dt.month()
    told = refills.join(wearers.select("wearer", "modality"), on="wearer", maintain_order="left").with_columns(
        month=months
    )
    share = season[told["month"].to_numpy() - 1] / season.max()
    colour = told["modality"].to_numpy() == list(MODALITIES).index("colour")
    comes = np.where(colour & (share < 1), share * season.max() / season.min() / COLOUR_PEAK, share)
    return refills.filter(pl.Series(luck.uniform("season", refills["refill"].to_numpy()) < comes))
