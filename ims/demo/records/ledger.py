"""The file of stock moves: everything that changed what a store had, so that the moves add up to what it states."""

from __future__ import annotations

import numpy as np
import polars as pl

from ims.demo.clock import CLOSES, DAY, OPENS, stamp
from ims.demo.records.buying import SPECIAL, number_receipt
from ims.demo.records.rupees import rupees
from ims.demo.story import Story

WRITTEN_OFF = OPENS + 90  # seconds of the day: goods are in, what is past its date goes, then transfers go out


def list_moves(story: Story, purchases: pl.DataFrame, transfers: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """Every move of the history, by time: day, at, item, quantity, kind, source, source_store, destination, ..."""
    parts = [
        *_open(story, transfers),
        *_receive(story, purchases),
        *_sell(story, purchases),
        *_transfer(transfers),
        *_correct(story, counts),
    ]
    moves = pl.concat([_complete(p) for p in parts])
    return moves.sort("day", "at", "kind", "reference", "item", "destination_store", nulls_last=True)


def tabulate_moves(story: Story, moves: pl.DataFrame, first: int, end: int) -> pl.DataFrame:
    """Moves of first <= day < end; a first folder opens on the day before its first."""
    moves = moves.filter(pl.col("day").is_between(first if first else -1, end, closed="left"))
    cost = story.prices.cost_on(moves["item"].to_numpy(), moves["day"].to_numpy())
    return moves.select(
        "source",
        "destination",
        "quantity",
        "kind",
        "reference",
        moved_on=story.on("day"),
        sku=story.world.catalogue.frame["sku"].gather(moves["item"]),
        source_store_code=story.code("source_store"),
        destination_store_code=story.code("destination_store"),
        unit_cost=rupees(pl.lit(pl.Series(cost))),
        posted_at=stamp(story.world.start, pl.col("at")),
    )


def _complete(part: pl.DataFrame) -> pl.DataFrame:
    columns = {
        "day": pl.Int64, "at": pl.Int64, "item": pl.Int64, "quantity": pl.Int64, "kind": pl.String, "source": pl.String,
        "source_store": pl.Int64, "destination": pl.String, "destination_store": pl.Int64, "reference": pl.String,
    }  # fmt: skip
    missing = [pl.lit(None, dtype=t).alias(c) for c, t in columns.items() if c not in part.columns]
    part = part.with_columns(missing)
    return part.select(pl.col(c).cast(t) for c, t in columns.items()).filter(pl.col("quantity") > 0)


def _open(story: Story, transfers: pl.DataFrame) -> list[pl.DataFrame]:
    """What was there, or on its way between stores, when the records begin."""
    pairs, at = story.world.pairs, -DAY + CLOSES
    there = pl.DataFrame(
        {"item": pairs.sku, "destination_store": pairs.store, "quantity": story.history.on_hand[0].astype(np.int64)}
    )
    way = transfers.filter(pl.col("day") < 0).select("item", destination_store="to_store", quantity="shipped")
    opening = {"day": pl.lit(-1), "at": pl.lit(at), "kind": pl.lit("opening"), "source": pl.lit("opening")}
    return [
        there.with_columns(destination=pl.lit("store"), **opening),
        way.group_by("item", "destination_store")
        .agg(pl.col("quantity").sum())
        .with_columns(destination=pl.lit("transit"), **opening),
    ]


def _receive(story: Story, purchases: pl.DataFrame) -> list[pl.DataFrame]:
    """Goods accepted in the morning, and units that come back fit to be sold."""
    came = purchases.filter(pl.col("arrival_day").is_between(0, story.world.total_days, closed="left"))
    came = came.with_columns(reference=number_receipt(story)).select(
        "item",
        "reference",
        day="arrival_day",
        at=pl.col("arrival_day") * DAY + OPENS,
        quantity="accepted",
        kind=pl.lit("receipt"),
        source=pl.lit("vendor"),
        destination=pl.lit("store"),
        destination_store="store",
    )
    pairs, back = story.world.pairs, story.history.returns
    back = back.filter(pl.col("day").is_between(0, story.world.total_days, closed="left"))
    returned = back.select(
        "day",
        at=pl.col("day") * DAY + OPENS + 60,
        item=pl.Series(pairs.sku[back["pair"].to_numpy()]),
        quantity="good",
        kind=pl.lit("return"),
        source=pl.lit("customer"),
        destination=pl.lit("store"),
        destination_store=pl.Series(pairs.store[back["pair"].to_numpy()]),
    )
    return [came, returned]


def _sell(story: Story, purchases: pl.DataFrame) -> list[pl.DataFrame]:
    """Lines from the shelf leave it when the order is placed; what was ordered for a customer, when it has come."""
    pairs = story.world.pairs
    lines = story.lines.filter(pl.col("pair") >= 0).join(
        story.orders.select("order", "confirmed_s"), on="order", maintain_order="left"
    )
    sale = {"kind": pl.lit("sale"), "source": pl.lit("store"), "destination": pl.lit("customer")}
    sold = lines.select(
        "day", "item", "quantity", at="confirmed_s", reference="order_ref",
        source_store=pl.Series(pairs.store[lines["pair"].to_numpy()]),
    ).with_columns(**sale)  # fmt: skip
    inside = pl.col("arrival_day").is_between(0, story.world.total_days, closed="left")
    special = purchases.filter((pl.col("kind") == SPECIAL) & inside).select(
        "item", day="arrival_day", at=pl.col("arrival_day") * DAY + OPENS + 30, quantity="accepted",
        reference="order_ref", source_store="store",
    ).with_columns(**sale)  # fmt: skip
    return [sold, special]


def _transfer(transfers: pl.DataFrame) -> list[pl.DataFrame]:
    """Out of one store into transit to another; what arrives broken or not at all is lost from there."""
    shipped = transfers.filter(pl.col("day") >= 0).select(
        "day", "item", at=pl.col("day") * DAY + OPENS + 120, quantity="shipped", kind=pl.lit("transfer_ship"),
        source=pl.lit("store"), source_store="from_store", destination=pl.lit("transit"), destination_store="to_store",
        reference="transfer_ref",
    )  # fmt: skip
    arrives = {
        "day": pl.col("arrival_day"),
        "at": pl.col("arrival_day") * DAY + OPENS + 30,
        "reference": pl.col("transfer_ref"),
    }
    received = transfers.select(
        "item", quantity="received", kind=pl.lit("transfer_receive"), source=pl.lit("transit"), source_store="to_store",
        destination=pl.lit("store"), destination_store="to_store", **arrives,
    )  # fmt: skip
    gone = transfers.select(
        "item", quantity=pl.col("damaged") + pl.col("lost"), kind=pl.lit("damage"), source=pl.lit("transit"),
        source_store="to_store", destination=pl.lit("loss"), **arrives,
    )  # fmt: skip
    return [shipped, received, gone]


def _correct(story: Story, counts: pl.DataFrame) -> list[pl.DataFrame]:
    """What a count found missing, or too much, and what was past its date."""
    pairs, past = story.world.pairs, story.history.expiries
    count = {
        "day": pl.col("day"),
        "at": pl.col("day") * DAY + CLOSES + 900,
        "kind": pl.lit("count"),
        "reference": pl.col("count_ref"),
    }
    missing = counts.select(
        "item", quantity=pl.col("expected") - pl.col("counted"), source=pl.lit("store"), source_store="store",
        destination=pl.lit("loss"), **count,
    )  # fmt: skip
    found = counts.select(
        "item", quantity=pl.col("counted") - pl.col("expected"), source=pl.lit("loss"), destination=pl.lit("store"),
        destination_store="store", **count,
    )  # fmt: skip
    expired = past.select(
        "day", "quantity", at=pl.col("day") * DAY + WRITTEN_OFF, item=pl.Series(pairs.sku[past["pair"].to_numpy()]),
        kind=pl.lit("expiry"), source=pl.lit("store"), source_store=pl.Series(pairs.store[past["pair"].to_numpy()]),
        destination=pl.lit("loss"),
    )  # fmt: skip
    return [missing, found, expired]
