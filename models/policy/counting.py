"""What to count: stock on paper that is silent beyond chance, and goods that were never there to be sold.

Reads what the marts know of each pair and the forecast, gives the `count_list` frame, the most money first.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from models.forecast.engine import Forecast
from models.policy.candidates import PAIR
from models.policy.columns import take_floats, take_ints
from models.policy.costs import CARRYING_RATE, WEEKS_A_YEAR
from models.policy.paths import Floats

COUNT_SCHEMA: dict[str, type[pl.DataType]] = {
    "as_of": pl.Date,
    "store_code": pl.String,
    "sku": pl.String,
    "kind": pl.String,
    "on_hand": pl.Int64,
    "last_sold_on": pl.Date,
    "silent_days": pl.Int64,
    "zero_sales_probability": pl.Float64,
    "expected_units": pl.Float64,
    "money_at_stake": pl.Float64,
    "rank_in_store": pl.Int64,
    "reason": pl.String,
}
FALSE_SHARE = 0.10  # of the phantoms listed, at most, may be chance
WEEKS_AT_STAKE = 13.0


def zero_probability(units: Floats, variance: Floats) -> Floats:
    """How likely no sale is where `units` are expected, their rate gamma of that variance round its mean: (n,).

    Worked number: 3 units expected: exp(-3) = .05 for a certain rate, (1 + .5 * 3) ** -2 = .16 at variance .5.
    """
    safe = np.maximum(variance, 1e-9)
    return np.asarray(np.where(variance > 1e-9, np.exp(-np.log1p(safe * units) / safe), np.exp(-units)))


def beyond_chance(probability: Floats, false_share: float = FALSE_SHARE) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which of n probabilities are too small for chance, so that no more than a share of those is: (n,).

    Benjamini and Hochberg's rule (1995): among many thousand pairs some hundred are silent by chance at 1 % each.
    Worked number: .001, .02, .5 at a share of .1: the first two (.02 <= .1 * 2 / 3).
    """
    order = np.argsort(probability, kind="stable")
    within = probability[order] <= false_share * (np.arange(len(order)) + 1) / max(len(order), 1)
    last = int(np.flatnonzero(within)[-1]) + 1 if within.any() else 0
    found = np.zeros(len(order), dtype=np.bool_)
    found[order[:last]] = True
    return found


def list_counts(watched: pl.DataFrame, forecast: Forecast, as_of: date) -> pl.DataFrame:
    """The `count_list` frame (COUNT_SCHEMA): phantoms and frozen pairs, nothing else.

    `watched`, one row per pair of the assortment that may be reordered: on_hand_qty (null = nobody has said),
    last_sold_on, silent_days in stock since then, silence_probability at the rate before it (null), ever_held,
    chain_daily_rate (null), unit_cost, unit_price. Phantom: on hand, and silent beyond chance at the rate it had
    before, else at the one that is forecast. Frozen: nothing on hand, never there and never sold, while the sku sells
    elsewhere or its kind does; it gets no order as long as nobody says that none is there.
    """
    known = forecast.series.select(PAIR).with_row_index("row")
    pairs = watched.join(known, on=PAIR, how="left", maintain_order="left")
    row = take_ints(pairs, "row", -1)
    seen = row >= 0
    weekly = np.where(seen, np.nan_to_num(forecast.mean[row]).mean(axis=1), 0.0)
    variance = np.where(seen, forecast.shared[row], 0.1)
    silent = take_floats(pairs, "silent_days")
    expected = weekly / 7.0 * np.nan_to_num(silent)
    before = take_floats(pairs, "silence_probability")
    # a forecast has learnt from the silence that is in question; it stands in where no rate from before it is known
    probability = np.where(np.isnan(before), zero_probability(expected, variance), before)
    on_hand = take_ints(pairs, "on_hand_qty", 0)
    is_candidate = (on_hand > 0) & (silent > 0)
    is_phantom = np.zeros(pairs.height, dtype=np.bool_)
    is_phantom[is_candidate] = beyond_chance(probability[is_candidate])
    rate = np.fmax(weekly, np.nan_to_num(take_floats(pairs, "chain_daily_rate")) * 7.0)
    ever = pairs["ever_held"].fill_null(value=False).to_numpy() | pairs["last_sold_on"].is_not_null().to_numpy()
    is_frozen = (on_hand <= 0) & ~ever & (rate > 0)
    cost, price = np.nan_to_num(take_floats(pairs, "unit_cost")), np.nan_to_num(take_floats(pairs, "unit_price"))
    lost = rate * np.maximum(price - cost, cost * CARRYING_RATE / WEEKS_A_YEAR) * WEEKS_AT_STAKE
    money = lost + np.where(is_phantom, on_hand * cost, 0.0)
    listed = pairs.select(
        pl.lit(as_of).alias("as_of"),
        *PAIR,
        pl.when(pl.Series(is_phantom))
        .then(pl.lit("phantom"))
        .when(pl.Series(is_frozen))
        .then(pl.lit("frozen"))
        .alias("kind"),
        pl.Series("on_hand", on_hand),
        "last_sold_on",
        pl.Series("silent_days", np.where(is_phantom, np.nan_to_num(silent), -1.0)).replace(-1.0, None),
        pl.Series("zero_sales_probability", np.where(is_phantom, probability, np.nan)).fill_nan(None),
        pl.Series("expected_units", np.round(np.where(is_phantom, expected, rate * WEEKS_AT_STAKE), 4)),
        pl.Series("money_at_stake", np.round(money, 2)),
    ).filter(pl.col("kind").is_not_null())
    ranked = listed.with_columns(
        pl.struct("money_at_stake", "sku").rank("ordinal", descending=True).over("store_code").alias("rank_in_store"),
        pl.when(pl.col("kind") == "phantom")
        .then(
            pl.format(
                "{} on hand on paper, and none sold in {} days in stock: that is {} % likely",
                "on_hand", pl.col("silent_days").cast(pl.Int64), (pl.col("zero_sales_probability") * 100).round(2),
            )
        )
        .otherwise(pl.lit("Never in stock here, so never sold, forecast or ordered; it sells elsewhere"))
        .alias("reason"),
    )  # fmt: skip
    whole = ranked.select(*COUNT_SCHEMA).cast(COUNT_SCHEMA)  # type: ignore[arg-type]  # as in plan.py
    return whole.sort("money_at_stake", *PAIR, descending=[True, False, False])
