"""Places on the board: one piece of each style that is shown, replaced when it has gone, its successor when it ends.

Reads candidate rows and what each is expected to sell, says which empty places are filled and why.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from models.forecast.engine import Forecast
from models.policy.columns import Flags, take_ints
from models.policy.costs import UnitCosts
from models.policy.paths import Ints
from models.policy.terms import Terms

SHOWN_KINDS = ("frame", "sunglass")
NEW_DAYS = 91
SUCCESSOR, NEW_STYLE, DISPLAY_SLOT, NO_SLOT = "SUCCESSOR_FILLS_SLOT", "NEW_STYLE_MIN_DISPLAY", "DISPLAY_SLOT", "NO_SLOT"


def choose_slots(
    pairs: pl.DataFrame, terms: Terms, costs: UnitCosts, forecast: Forecast, as_of: date
) -> tuple[Ints, list[str]]:
    """Units that an empty place is filled with (0 or 1) and why, '' where the rule of no place applies: both (n,).

    A frame or sunglass with nothing there and nothing coming has an empty place: how many to order follows from demand,
    whether it is shown does not, as what is not shown cannot sell. It is filled where a week's expected sales earn more
    than holding the piece costs, by what they earn, as long as the store's boards have room (frames; any number where
    the capacity is not known).
    """
    n = pairs.height
    is_shown = pairs["kind"].is_in(SHOWN_KINDS).fill_null(value=False).to_numpy()
    position = take_ints(pairs, "on_hand_qty", 0) + take_ints(pairs, "on_order_qty", 0)
    position = position - take_ints(pairs, "claimed_qty", 0) + take_ints(pairs, "transfer_in_qty", 0)
    row = take_ints(pairs, "forecast_row", -1)
    rate = np.where(row >= 0, forecast.mean[row].mean(axis=1), 0.0)
    earns = rate * costs.shortage - costs.holding
    is_empty = is_shown & (position <= 0) & ~terms.is_closed
    reasons = np.where(is_empty & (earns > 0), _name_places(pairs, terms.is_closed & (position <= 0), as_of), "")
    room = _measure_room(pairs, position > 0)
    for at in np.lexsort((np.arange(n), -earns)):
        key = (pairs["store_code"][int(at)], pairs["kind"][int(at)])
        if not reasons[at] or key not in room:
            continue
        if room[key] <= 0:
            reasons[at] = NO_SLOT
        room[key] -= 1
    is_filled: Flags = (reasons != "") & (reasons != NO_SLOT)
    return is_filled.astype(np.int64), [str(reason) for reason in reasons]


def is_new_style(as_of: date) -> pl.Expr:
    """Whether a candidate row is a style that is shown and came into the range in the last 13 weeks."""
    age = (pl.lit(as_of) - pl.col("launched_on")).dt.total_days()
    return ((age <= NEW_DAYS) & pl.col("kind").is_in(SHOWN_KINDS)).fill_null(value=False)


def _measure_room(pairs: pl.DataFrame, is_taken: Flags) -> dict[tuple[str, str], int]:
    """Empty places on the boards of each store whose capacity is known."""
    frames = pairs.select("store_code", "kind", "board_capacity").with_columns(pl.Series("taken", is_taken))
    known = frames.filter(pl.col("kind") == "frame", pl.col("board_capacity").is_not_null())
    room = known.group_by("store_code").agg(pl.col("board_capacity").max() - pl.col("taken").sum().cast(pl.Int64))
    return {(store, "frame"): int(left) for store, left in room.iter_rows()}


def _name_places(pairs: pl.DataFrame, has_left: Flags, as_of: date) -> pl.Series:
    """Why a place would be filled: a style's successor in it, a new style, or the style it has always shown."""
    line = pl.coalesce("style_code", pl.concat_str("brand", "category", separator="/", ignore_nulls=False))
    named = pairs.with_columns(line.alias("line"), is_new_style(as_of).alias("is_new"), pl.Series("left", has_left))
    follows = pl.col("left").any().over("store_code", "line") & pl.col("line").is_not_null()
    named = named.with_columns(follows.fill_null(value=False).alias("follows"))
    return named.select(
        pl.when(pl.col("follows") & pl.col("is_new"))
        .then(pl.lit(SUCCESSOR))
        .when("is_new")
        .then(pl.lit(NEW_STYLE))
        .otherwise(pl.lit(DISPLAY_SLOT))
    ).to_series()
