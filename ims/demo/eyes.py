"""Eyes: the powers of a patient's two eyes, and how they change. Gives the powers that optics ranks cells by.

60 % of eyes are myopic, 18 % hyperopic, 22 % near plano; the fellow eye has the same sign and differs by N(0, 0.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ims.demo.days import Floats, Ints
from ims.demo.luck import Keys, Luck

ADD_FROM_AGE = [(40, 1.00), (45, 1.50), (50, 1.75), (53, 2.00), (55, 2.25), (60, 2.50)]


@dataclass(frozen=True)
class Eyes:
    """Powers in dioptres at the first test, arrays (2 x patient), right eye first. axis is 1-180."""

    sph: Floats
    cyl: Floats
    axis: Ints


def draw_eyes(luck: Luck, patient: Keys, age: Floats) -> Eyes:
    """Unrounded sphere and cylinder, and the axis, of both eyes."""
    kind = luck.uniform("eye kind", patient)
    myopic = -(0.5 + luck.gamma("myopia", patient, 1.25, 1.45))
    hyperopic = 0.5 + luck.gamma("hyperopia", patient, 1.6, 0.6)
    right = np.where(kind < 0.60, myopic, np.where(kind < 0.78, hyperopic, 0.3 * luck.normal("plano", patient)))
    fellow = right + 0.4 * luck.normal("fellow eye", patient)
    left = np.where(kind < 0.60, np.minimum(fellow, -0.25), np.where(kind < 0.78, np.maximum(fellow, 0.25), fellow))
    sides = []
    for side in ("right", "left"):
        has_cyl = luck.uniform(f"has cyl {side}", patient) < np.where(kind < 0.78, 0.48, 0.60)
        sides.append(np.where(has_cyl, -(0.25 + luck.gamma(f"cyl {side}", patient, 1.3, 0.5)), 0.0))
    lie = luck.uniform("axis lie", patient)
    # with the rule (180 +-15) when young, against it (90 +-15) when old
    with_rule = np.where(age < 40, 0.55, np.where(age > 50, 0.25, 0.40))
    against = np.where(age < 40, 0.25, np.where(age > 50, 0.55, 0.40))
    centre = np.where(lie < with_rule, 180, np.where(lie < with_rule + against, 90, 45))
    axes = []
    for side, mirrored in (("right", False), ("left", True)):
        around = np.where(mirrored & (centre == 45), 135, centre) + 15 * luck.normal(f"axis {side}", patient) * 0.6
        axes.append((np.rint(around).astype(np.int64) - 1) % 180 + 1)
    return Eyes(np.stack([right, left]), np.stack(sides), np.stack(axes))


def drift(luck: Luck, visit: Keys, years: Floats, age: Floats) -> Floats:
    """Change of sphere since the first test: the young get more myopic, others hardly change."""
    young = -0.3 * np.minimum(years, np.maximum(22.0 - (age - years), 0.0))
    return young + 0.2 * np.sqrt(years) * luck.normal("drift", visit)


def round_quarter(power: Floats, low: float, high: float) -> Floats:
    """To the grid of 0.25 dioptres, within limits."""
    return np.clip(np.rint(power * 4) / 4, low, high)


def add_of_age(age: Floats) -> Floats:
    """The near addition; 0 below 40 years."""
    out = np.zeros(len(age))
    for from_age, add in ADD_FROM_AGE:
        out[age >= from_age] = add
    return out
