"""Defects of stock: statements that differ from the ledger, late writing, guessed counts, boxes past their date."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from ims.demo.defects.spoil import Spoiled

MOVES = "raw.stock_moves"


def spoil_stock(chain: Spoiled) -> None:
    """A statement off by 1-3 units, receipts and returns written down days later, walk-ins guessed, expired boxes."""
    stock = chain.tables["stock"]
    wrong = chain.choose("stock_misstated", stock.filter(pl.col("on_hand") > 0), 0.003)
    by = chain.rng("stock_misstated by").choice([-1, 1, 2, 3], len(wrong))
    told = wrong.select("store_code", "sku", on_hand=pl.max_horizontal(pl.col("on_hand") + pl.Series(by), 0))
    chain.put("stock", ["store_code", "sku"], told)
    keys = wrong.select(pl.format("{} {}", "store_code", "sku")).to_series()
    chain.note("stock_misstated", "stock", keys, f"{MOVES}.the_ledger_says_what_was_stated")
    _post_late(chain)
    counts = chain.tables["walk_in_counts"]
    guessed = chain.choose("guessed_count", counts.filter(pl.col("walk_in_count") > 5), 0.02)
    rounded = pl.max_horizontal((pl.col("walk_in_count") / 50).round(), 1) * 50
    key = ["store_code", "counted_on"]
    chain.put("walk_in_counts", key, guessed.select(*key, walk_in_count=rounded.cast(pl.Int64)))
    keys = guessed.select(pl.format("{} {}", *key)).to_series()
    chain.note("guessed_count", "walk_in_counts", keys, "raw.walk_in_counts.counts_are_counted_not_guessed")
    _expire(chain)


def _post_late(chain: Spoiled) -> None:
    """Receipts and returns of goods, written down two to five days after they came."""
    moves = chain.tables["stock_moves"].with_row_index("row")
    old = pl.col("moved_on") < chain.as_of - timedelta(days=10)
    late = chain.choose("posted_late", moves.filter(pl.col("kind").is_in(["receipt", "return"]) & old), 0.02)
    days = np.array(chain.rng("posted_late days").integers(2, 6, len(late)))
    late = late.with_columns(posted_at=pl.col("posted_at") + pl.duration(days=pl.lit(pl.Series(days))))
    moves = moves.update(late.select("row", "posted_at"), on="row", how="left")
    chain.tables["stock_moves"] = moves.drop("row")
    keys = late.select(pl.format("{} {} {}", "moved_on", "destination_store_code", "sku")).to_series()
    chain.note("posted_late", "stock_moves", keys, f"{MOVES}.moves_are_posted_on_their_day")


def _expire(chain: Spoiled) -> None:
    """Contact lenses that are on hand: whatever came of them, came with a date that has passed."""
    lines = chain.tables["goods_receipt_lines"]
    held = chain.tables["stock"].filter(pl.col("on_hand") > 0, pl.col("sku").str.starts_with("CL-"))
    held = held.join(
        lines.select("store_code", "sku").unique(), on=["store_code", "sku"], how="semi", maintain_order="left"
    )
    chosen = chain.choose("expired_on_hand", held, min(20, max(1, len(held) // 10))).select("store_code", "sku")
    past = chain.as_of - timedelta(days=10)
    came = lines.join(chosen, on=["store_code", "sku"], how="semi", maintain_order="left")
    key = ["receipt_number", "order_ref", "store_code", "sku"]
    chain.put("goods_receipt_lines", key, came.select(*key, expires_on=pl.min_horizontal("expires_on", pl.lit(past))))
    keys = chosen.select(pl.format("{} {}", "store_code", "sku")).to_series()
    chain.note("expired_on_hand", "goods_receipt_lines", keys, "marts.fct_expiry.nothing_on_hand_has_expired")
