"""When each SKU lives: core lines stay, styles rise, fade and are succeeded in their slot, some peak once a year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ims.demo.days import FOREVER, Factors, Floats, Ints
from ims.demo.parameters import Category

CLEARANCE_LIFT = 2.2  # what has left the range is sold at 40 % off: 0.6 ** -1.6
CORE, STYLE, SEASONAL = 0, 1, 2


@dataclass(frozen=True)
class Lives:
    """One row per SKU of a category; SKUs of one slot follow each other on the same peg of the board."""

    slot: Ints
    kind: Ints
    launch_day: Ints
    end_day: Ints
    life_days: Floats


def draw_lives(category: Category, count: int, days: int, rng: np.random.Generator) -> Lives:
    """About `count` SKUs whose launches and ends fall before `days`; what would end later is still alive."""
    seasonal = round(count * category.seasonal_share)
    styles = round(count * category.style_share)
    core = count - seasonal - styles
    rows = [(slot, CORE, -FOREVER, FOREVER, 0.0) for slot in range(core)]
    rows += [(core + i, SEASONAL, -FOREVER, FOREVER, 0.0) for i in range(seasonal)]
    slots = round(styles / (1 + days / category.style_life_days))
    for slot in range(core + seasonal, core + seasonal + slots):
        launch = -int(rng.uniform(0.0, 0.9) * category.style_life_days)
        while launch < days - 28:
            life = max(140.0, 28.0 - launch, float(rng.gamma(4.0, category.style_life_days / 4.0)))
            end = int(launch + life)
            rows.append((slot, STYLE, launch, end if end < days else FOREVER, life))
            launch = end
    columns = list(zip(*rows, strict=True))
    slot_, kind, launched, ended = (np.array(c, dtype=np.int64) for c in columns[:4])
    return Lives(slot_, kind, launched, ended, np.array(columns[4]))


def curve(lives: Lives, category: Category, day: Ints, day_of_year: Ints) -> Factors:
    """Demand factor (SKU x day), about 1 on average: styles rise four weeks, hold, then halve every quarter life."""
    factors: Factors = np.ones((len(lives.slot), len(day)), dtype=np.float32)
    factors[lives.kind == SEASONAL] = 1.0 + swing(category, day_of_year)
    styles = lives.kind == STYLE
    age = day[None, :] - lives.launch_day[styles, None]
    life = np.maximum(lives.life_days[styles, None], 1.0)
    rise = np.where(age < 0, 0.0, np.minimum(0.4 + 0.8 * age / 28.0, 1.2))
    decay = 0.5 ** (np.maximum(age - 0.6 * life, 0.0) / (0.25 * life))
    after = day[None, :] - lives.end_day[styles, None]
    farewell = np.where(after >= 0, CLEARANCE_LIFT, 1.0) * 0.5 ** (np.maximum(after, 0.0) / 60.0)
    factors[styles] = rise * decay * farewell
    return factors


def swing(category: Category, day_of_year: Ints) -> Floats:
    """How far the demand for a category's seasonal lines lies above (or below, negative) their average."""
    wave: Floats = 0.8 * np.cos(2 * np.pi * (day_of_year - category.seasonal_peak_day) / 365.25)
    return wave
