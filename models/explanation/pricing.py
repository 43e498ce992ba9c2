"""What any quantity of a suggested line would have been worth when it was planned, on the very paths of its receipt.

Reads a receipt, gives units and money. The suggested quantity gets the saving that its receipt states.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.policy.order import expected_mismatch
from models.policy.receipt import replay_need


@dataclass(frozen=True)
class PricedQuantity:
    """An order of `quantity`: how often it is enough (0-1), units left over and short at the end of the cover, money.

    `saved_amount`: expected cost saved against ordering nothing; below 0 where the order costs more than it saves.
    """

    quantity: int
    enough_share: float
    left_over_qty: float
    short_qty: float
    saved_amount: float


def price_quantities(said: Mapping[str, Any], quantities: Iterable[int]) -> list[PricedQuantity]:
    """The quantities priced, ascending, each once; none for a receipt of which nothing was computed.

    saved_amount = holding * review / 7 * (left over of none - left over) + shortage * (short of none - short).
    Worked: holding .2 a week, 7 days of review, shortage 9: an order that leaves 2 more over and 1 less short saves
    9 - .4 = 8.6.
    """
    wanted = sorted(set(quantities))
    if said.get("kind") == "transfer" or said["is_closed"]:
        return []
    need = replay_need(said)
    held = said["holding_cost_per_unit_week"] * said["review_period_days"] / 7.0
    idle_over, idle_short = _mismatch(need, 0)
    priced = []
    for quantity in wanted:
        over, short = _mismatch(need, quantity)
        saved = held * (idle_over - over) + said["shortage_cost_per_unit"] * (idle_short - short)
        priced.append(PricedQuantity(quantity, float((need <= quantity).mean()), over, short, round(saved, 4)))
    return priced


def quantities_around(said: Mapping[str, Any], chosen: Iterable[int]) -> list[int]:
    """Quantities worth comparing: none, the chosen ones, and two lots to either side of the suggested one."""
    suggested, pack = int(said["suggested_qty"]), max(int(said.get("pack_size", 1)), 1)
    least = -(-max(int(said.get("moq", 1)), 1) // pack) * pack
    step = max(-(-suggested // (4 * pack)), 1) * pack
    near = (suggested + steps * step for steps in (-2, -1, 0, 1, 2))
    return sorted({0, *chosen, *(quantity for quantity in near if quantity >= least)})


def _mismatch(need: Any, quantity: int) -> tuple[float, float]:
    over, short = expected_mismatch(need, np.array([quantity], dtype=np.int64))
    return float(over[0]), float(short[0])
