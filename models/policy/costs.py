"""What a unit too many and a unit too few cost, and the share of paths (tau) an order should satisfy.

Reads supply terms and prices, gives arrays. The calibration shifts tau; it is chosen in models/backtest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.policy.paths import Floats

CARRYING_RATE = 0.20  # of unit cost, a year
DEFAULT_RATIO = 0.90
TAU_BOUNDS = (0.05, 0.995)
WEEKS_A_YEAR = 365.25 / 7


@dataclass(frozen=True)
class UnitCosts:
    """Money per pair, all (n,): holding per unit and week, shortage per unit short, theoretical tau, who said so."""

    holding: Floats
    shortage: Floats
    tau: Floats
    is_fixed: np.ndarray[tuple[int], np.dtype[np.bool_]]
    source: np.ndarray[tuple[int], np.dtype[np.str_]]


def resolve_costs(
    holding: Floats,
    shortage: Floats,
    service_level: Floats,
    unit_cost: Floats,
    unit_price: Floats,
    review_days: Floats,
    *,
    carrying_rate: float = CARRYING_RATE,
    default_ratio: float = DEFAULT_RATIO,
) -> UnitCosts:
    """Costs given decide; else margin and the carrying rate; else a default critical ratio. NaN means not given.

    The newsvendor's ratio over one review period (Arrow, Harris, Marschak 1951): tau = s / (s + h * review weeks).
    Worked number: shortage 1, holding .2 a week, review 7 days: tau = 1 / 1.2 = .833. A service level, where given, is
    tau itself, and the calibration leaves it alone.
    """
    weeks = np.maximum(review_days, 1) / 7.0
    margin = unit_price - unit_cost
    margin = np.where(margin > 0, margin, np.nan)
    carried = np.where(unit_cost > 0, unit_cost, np.nan) * carrying_rate / WEEKS_A_YEAR
    stated = ~np.isnan(holding) & ~np.isnan(shortage)
    held = np.where(np.isnan(holding), carried, holding)
    short = np.where(np.isnan(shortage), margin, shortage)
    priced = ~np.isnan(held) & ~np.isnan(short)
    source = np.where(stated, "costs", np.where(priced, "margin", "default_ratio"))
    # one of the two known: the default ratio gives the other; neither: shortage 1 states priorities in units
    ratio_odds = default_ratio / (1 - default_ratio)
    short = np.where(np.isnan(short), np.where(np.isnan(held), 1.0, held * weeks * ratio_odds), short)
    held = np.where(np.isnan(held), short / ratio_odds / weeks, held)
    total = short + held * weeks
    tau = np.divide(short, total, out=np.full_like(total, default_ratio), where=total > 0)
    is_fixed = ~np.isnan(service_level)
    tau = np.clip(np.where(is_fixed, service_level, tau), *TAU_BOUNDS)
    return UnitCosts(held, short, tau, is_fixed, np.where(is_fixed, "service_level", source))


def shift_tau(tau: Floats, shift: float, is_fixed: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """Tau moved by `shift` in log odds, the same for every pair whatever its costs; fixed service levels stay.

    Worked number: .833 with shift -.34 becomes .78: as if a lost unit cost exp(-.34) = .71 of what is said.
    """
    odds = np.log(tau / (1 - tau)) + shift
    return np.asarray(np.where(is_fixed, tau, np.clip(1 / (1 + np.exp(-odds)), *TAU_BOUNDS)))
