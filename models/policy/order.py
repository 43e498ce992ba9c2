"""The order rule: walk stock through the known arrivals path by path, then take a quantile of what is still needed.

Reads demand paths, stock and arrivals; gives whole units. Prices belong in costs.py, frames in plan.py.
"""

from __future__ import annotations

import numpy as np

from models.policy.paths import Floats, Ints, Units


def walk_stock(on_hand: Ints, arriving: Ints, demand: Units, n_before: int, is_backordered: bool) -> Units:
    """Units still needed when the new order becomes usable: (n, n_paths), negative where stock is left over.

    on_hand (n,) at the opening of as_of, arriving (n, n_segments) usable at the opening of each segment (BEFORE its
    demand), demand (n, n_segments, n_paths). Until the order is usable demand that finds no stock is lost (or owed,
    with `is_backordered`); after that, the need is the largest shortfall at the end of any segment of the cover.
    Worked number: 5 on hand, demand 7 before, 3 in the cover: lost sales need 3, back-orders need 5.
    """
    stock = np.repeat(on_hand.astype(np.int32)[:, None], demand.shape[2], axis=1)
    units = arriving.astype(np.int32)
    for segment in range(n_before):
        stock += units[:, segment, None]
        stock -= demand[:, segment]
        if not is_backordered:
            np.maximum(stock, 0, out=stock)
    need: Units | None = None
    for segment in range(n_before, demand.shape[1]):
        stock += units[:, segment, None]
        stock -= demand[:, segment]
        need = -stock if need is None else np.maximum(need, -stock)
    assert need is not None, "a timeline has at least one segment of cover"
    return need


def take_quantile(sorted_need: Units, tau: Floats) -> Ints:
    """Upper empirical quantile of ascending rows: the smallest sample with at least tau of the paths at or below."""
    n_paths = sorted_need.shape[1]
    place = np.clip(np.ceil(tau * n_paths - 1e-9).astype(np.int64) - 1, 0, n_paths - 1)
    return np.asarray(sorted_need[np.arange(len(sorted_need)), place].astype(np.int64))


def expected_mismatch(need: Units, quantity: Ints) -> tuple[Floats, Floats]:
    """Mean units left over and mean units short at the end of the cover for the ordered quantity: two of (n,)."""
    gap = quantity[:, None] - need.astype(np.int64)
    n_paths = need.shape[1]
    over = np.where(gap > 0, gap, 0).sum(axis=1)
    return over / n_paths, (over - gap.sum(axis=1)) / n_paths


def round_lots(need: Units, wanted: Ints, tau: Floats, pack: Ints, moq: Ints) -> Ints:
    """Whole packs, at least the minimum or nothing: of the two neighbours of `wanted` the one of lower expected cost.

    The cost is the one that tau is the answer to, (1 - tau) * left over + tau * short over one review period: whether
    a pack pays now rather than at the next review is just that comparison, as a later review can still order it.
    """
    pack = np.maximum(pack, 1)
    least = -(-np.maximum(moq, 1) // pack) * pack
    low = wanted // pack * pack
    low = np.where(low < least, 0, low)
    high = np.maximum(low + pack, least)
    exact = (low == wanted) | (wanted <= 0)
    over_low, short_low = expected_mismatch(need, low)
    over_high, short_high = expected_mismatch(need, high)
    cost_low = (1 - tau) * over_low + tau * short_low
    cost_high = (1 - tau) * over_high + tau * short_high
    rounded = np.where(exact | (cost_low <= cost_high), low, high)
    return np.where(wanted <= 0, 0, rounded)


def choose_quantity(
    need: Units,
    tau: Floats,
    pack: Ints,
    moq: Ints,
    display_min: Ints,
    slot_min: Ints | None = None,
    most: Ints | None = None,
) -> tuple[Ints, Ints]:
    """Quantity before and after lots, both (n,), whole and >= 0.

    display_min is the presentation stock: on half of the paths at least so much stands at the end of the cover.
    slot_min is wanted at the least: what an empty place on the board is filled with. `most` is what may be ordered: a
    quantity above it falls to the whole packs below, and to 0 where those are under the minimum order.
    """
    ordered = np.sort(need, axis=1)
    wanted = np.maximum(take_quantile(ordered, tau), 0)
    shown = take_quantile(ordered, np.full(len(tau), 0.5)) + display_min
    wanted = np.maximum(wanted, np.where(display_min > 0, shown, 0))
    if slot_min is not None:
        wanted = np.maximum(wanted, slot_min)
    quantity = wanted
    lots = (pack > 1) | (moq > 1)
    if lots.any():
        quantity = wanted.copy()
        quantity[lots] = round_lots(need[lots], wanted[lots], tau[lots], pack[lots], moq[lots])
    if most is not None:
        capped = np.maximum(most, 0) // pack * pack
        quantity = np.where(quantity <= most, quantity, np.where(capped >= moq, capped, 0))
    return wanted, quantity
