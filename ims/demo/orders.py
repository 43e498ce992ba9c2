"""Orders: whose they are, when they were placed, made, handed over or given up. Reads lines, writes no file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ims.demo.clock import DAY, NEVER, OPENS, at_hour, order_times
from ims.demo.lines import CANCELLED, DRAFT, QUICK, REFILL, SERVICE, SPECIAL, SPECTACLES, WEARER_SPECIAL
from ims.demo.luck import Luck
from ims.demo.needs import Glasses
from ims.demo.people import OTHER, TESTED, People
from ims.demo.wearers import Wearers
from ims.demo.workshop import draw_jobs, hand_over
from ims.demo.world import World

CANCELLED_SHARE, DRAFT_SHARE = 0.025, 0.04
ANONYMOUS, KNOWN = 0.08, 0.45  # of quick orders: nobody gave a name; somebody the store knows
HOUSEHOLD, WEARER, NEWCOMER = range(3)  # the last base-4 digit of a customer's key


@dataclass(frozen=True)
class Orders:
    """orders: order, store, day, source (see lines), customer, patient and visit (null: none), confirmed_s, started_s,
    ready_s, delivered_s, cancelled_s (NEVER), is_draft, channel. lines: as filled, with line_no. jobs: one per pair.
    """

    orders: pl.DataFrame
    lines: pl.DataFrame
    jobs: pl.DataFrame


def draw_orders(
    world: World, people: People, wearers: Wearers, glasses: Glasses, lines: pl.DataFrame, returns: pl.DataFrame
) -> Orders:
    """Headers for all lines, and the orders that came to nothing: cancelled ones and drafts, which move no stock."""
    luck = Luck(world.seed)
    orders = _open(world, luck, people, wearers, lines)
    jobs = _job_rows(luck, orders, glasses, lines)
    orders, jobs = _time(world, luck, orders, jobs, lines, returns)
    return _give_up(luck, orders, lines, jobs)


def _open(world: World, luck: Luck, people: People, wearers: Wearers, lines: pl.DataFrame) -> pl.DataFrame:
    """Whose each order is, and when it was placed."""
    orders = lines.group_by("order").agg(pl.col("store", "day").first(), special_day=pl.col("special_day").max())
    orders = orders.sort("day", "order").with_columns(source=pl.col("order") % 8, key=pl.col("order") // 8)
    visits = people.visits.select(key="visit", patient="patient", household="household", kind="kind", tested="day")
    spectacles = orders.filter(pl.col("source") == SPECTACLES).join(visits, on="key", maintain_order="left")
    spectacles = spectacles.with_columns(
        visit="key", customer=pl.col("household") * 4 + HOUSEHOLD, patient=pl.col("patient") * 2,
        is_tested=(pl.col("kind") == TESTED) & (pl.col("tested") == pl.col("day")),
    )  # fmt: skip
    is_refill = pl.col("source").is_in([REFILL, WEARER_SPECIAL])
    refills = orders.filter(is_refill).with_columns(wearer=pl.col("key") // 64)
    refills = refills.with_columns(customer=pl.col("wearer") * 4 + WEARER, patient=pl.col("wearer") * 2 + 1)
    quick = _recognise(luck, people, orders.filter(pl.col("source").is_in([QUICK, SERVICE, SPECIAL])))
    columns = ["order", "store", "day", "source", "special_day", "customer", "patient", "visit", "is_tested"]
    none = {"visit": pl.lit(None, dtype=pl.Int64), "is_tested": pl.lit(value=False)}
    parts = [spectacles, refills.with_columns(**none), quick]
    joined = pl.concat([p.select(columns) for p in parts]).sort("day", "order")
    placed = order_times(luck, *(joined[c].to_numpy() for c in ("order", "day", "is_tested")))
    return joined.with_columns(confirmed_s=pl.Series(placed))


def _recognise(luck: Luck, people: People, quick: pl.DataFrame) -> pl.DataFrame:
    """A customer for each quick order: somebody just tested, somebody known, somebody new, or nobody by name."""
    tested = people.visits.filter(pl.col("kind") == OTHER).select("visit", "patient", "household", "store", "day")
    quick = _rank(luck, "tested buyer", quick, "order")
    quick = quick.join(
        _rank(luck, "tested", tested, "visit"), on=["store", "day", "rank"], how="left", maintain_order="left"
    )
    order, store, day = (quick[c].to_numpy() for c in ("order", "store", "day"))
    u = luck.uniform("who", order)
    known = np.full(len(order), -1)
    for s in range(int(store.max(initial=-1)) + 1):
        first = people.visits.filter(pl.col("store") == s).group_by("household").agg(pl.col("day").min())
        first = first.sort("day", "household")
        mine = np.nonzero(store == s)[0]
        seen = np.searchsorted(first["day"].to_numpy(), day[mine])
        chosen = (luck.uniform("somebody known", order[mine]) * seen).astype(np.int64)
        known[mine] = np.where(seen > 0, first["household"].to_numpy()[chosen.clip(0, max(len(first) - 1, 0))], -1)
    regular = (u >= ANONYMOUS) & (u < ANONYMOUS + KNOWN) & (known >= 0)
    somebody = np.where(regular, known * 4 + HOUSEHOLD, order * 4 + NEWCOMER)
    walked_in = pl.when(pl.Series(u < ANONYMOUS)).then(None).otherwise(pl.Series(somebody))
    is_tested = pl.col("visit").is_not_null()
    return quick.with_columns(
        customer=pl.when(is_tested).then(pl.col("household") * 4 + HOUSEHOLD).otherwise(walked_in),
        patient=pl.col("patient") * 2,
        is_tested=is_tested,
    )


def _rank(luck: Luck, purpose: str, frame: pl.DataFrame, key: str) -> pl.DataFrame:
    drawn = frame.with_columns(luck=pl.Series(luck.uniform(purpose, frame[key].to_numpy())))
    return drawn.sort("luck", key).with_columns(rank=pl.int_range(pl.len()).over("store", "day")).drop("luck")


def _job_rows(luck: Luck, orders: pl.DataFrame, glasses: Glasses, lines: pl.DataFrame) -> pl.DataFrame:
    """One row per pair of spectacles, with its course in the workshop."""
    eyes = (
        lines.filter(pl.col("eye") >= 0)
        .group_by("order", "slot", "pair_group")
        .agg(in_house=(pl.col("pair") >= 0).all(), special_day=pl.col("special_day").max())
    )
    pairs = eyes.join(glasses.frame.select("slot", "lens_class"), on="slot")
    pairs = pairs.join(
        orders.select("order", "store", "day", "confirmed_s", "customer", "patient", "visit"), on="order"
    )
    return draw_jobs(luck, pairs.sort("day", "slot"))


def _time(
    world: World, luck: Luck, orders: pl.DataFrame, jobs: pl.DataFrame, lines: pl.DataFrame, returns: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """started, ready and delivered of every order: at once, when it has come, or when all its pairs are made.

    What comes back, and what a closing store owes, is handed over before; the course of its jobs shrinks with it.
    """
    made = jobs.group_by("order").agg(
        pl.col("started_s").min(), made_s=pl.col("ready_s").max(), promised_day=pl.col("promised_day").max()
    )
    back = returns.group_by("order").agg(pl.col("back_day").min())
    orders = orders.join(made, on="order", how="left", maintain_order="left").join(
        back, on="order", how="left", maintain_order="left"
    )
    order, confirmed, special = (orders[c].to_numpy() for c in ("order", "confirmed_s", "special_day"))
    made_s = orders["made_s"].fill_null(-1).to_numpy()
    arrived = at_hour(special, luck.uniform("arrives", order), 10.5, 14.0)
    ready = np.where(made_s >= 0, made_s, np.where(special >= 0, np.maximum(arrived, confirmed), confirmed))
    waits = (made_s >= 0) | (special >= 0)
    delivered = np.where(waits, hand_over(luck, order, ready), confirmed + 300)
    closes = (world.stores.close_day[orders["store"].to_numpy()] - 1) * DAY + 20 * 3600
    latest = np.minimum(orders["back_day"].fill_null(NEVER // DAY).to_numpy() * DAY + OPENS + 900, closes)
    latest = np.maximum(latest, confirmed + 300)  # an order of a closing store's last hour is handed over at once
    squeeze = np.where(waits & (delivered > latest), (latest - confirmed) / np.maximum(delivered - confirmed, 1), 1.0)
    orders = orders.with_columns(
        pl.Series("ready_s", confirmed + ((ready - confirmed) * squeeze).astype(np.int64)),
        pl.Series("delivered_s", confirmed + ((delivered - confirmed) * squeeze).astype(np.int64)),
        pl.Series(
            "started_s",
            confirmed + ((orders["started_s"].fill_null(0).to_numpy() - confirmed) * squeeze).astype(np.int64),
        ),
        pl.Series("squeeze", squeeze),
        pl.Series("waits", waits),
        promised_day=pl.max_horizontal("promised_day", "special_day"),
    )
    jobs = jobs.join(orders.select("order", "squeeze", "delivered_s"), on="order", maintain_order="left")
    times = ("started_s", "qc_s", "failed_s", "restarted_s", "qc_again_s", "ready_s")
    shrunk = [
        pl.when(pl.col(t) >= NEVER)
        .then(NEVER)
        .otherwise(
            (pl.col("confirmed_s") + (pl.col(t) - pl.col("confirmed_s")) * pl.col("squeeze")).floor().cast(pl.Int64)
        )
        .alias(t)
        for t in times
    ]
    return orders, jobs.with_columns(shrunk)


def _give_up(luck: Luck, orders: pl.DataFrame, lines: pl.DataFrame, jobs: pl.DataFrame) -> Orders:
    """Beside some orders an earlier try of the same customer: cancelled within days, or a draft never confirmed."""
    key = orders["order"].to_numpy()
    fate = luck.uniform("comes to nothing", key)
    orders = orders.with_columns(is_draft=pl.lit(value=False), cancelled_s=pl.lit(NEVER, dtype=pl.Int64))
    earlier = np.maximum(
        orders["confirmed_s"].to_numpy() - 600 - (3000 * luck.uniform("earlier", key)).astype(np.int64),
        orders["day"].to_numpy() * DAY + OPENS + 30,
    )
    regret = luck.exponential("regret", key, DAY).astype(np.int64) + 600
    twins = orders.with_columns(
        confirmed_s=pl.Series(earlier), ready_s=pl.lit(NEVER), delivered_s=pl.lit(NEVER), started_s=pl.lit(NEVER),
        original="order",
    )  # fmt: skip
    is_cancelled = pl.Series(fate < CANCELLED_SHARE)
    is_draft = pl.Series((fate >= CANCELLED_SHARE) & (fate < CANCELLED_SHARE + DRAFT_SHARE))
    cancelled = twins.with_columns(
        order=pl.col("order") * 8 + CANCELLED,
        cancelled_s=pl.Series(at_hour((earlier + regret) // DAY + 1, fate / CANCELLED_SHARE % 1)),
    ).filter(is_cancelled)
    drafts = twins.with_columns(order=pl.col("order") * 8 + DRAFT, is_draft=pl.lit(value=True)).filter(is_draft)
    given_up = pl.concat([cancelled, drafts])
    copies = lines.join(given_up.select(original="original", twin="order"), left_on="order", right_on="original")
    copies = copies.with_columns(order="twin", pair=pl.lit(-1, dtype=pl.Int64)).select(lines.columns)
    orders = pl.concat([orders, given_up.drop("original")], how="vertical_relaxed")
    orders = orders.with_columns(source=pl.col("order") % 8)
    channel = luck.uniform("channel", orders["order"].to_numpy())
    far = orders["source"].is_in([REFILL, WEARER_SPECIAL]).to_numpy()
    orders = orders.with_columns(
        channel=pl.Series(
            np.where(far & (channel < 0.15), "phone", np.where(channel < np.where(far, 0.23, 0.01), "online", "store"))
        )
    )
    return Orders(orders.sort("day", "order"), pl.concat([lines, copies]).sort("day", "order", "line_no"), jobs)
