"""Where a method loses: its weekly loss split by week ahead, by level, by volume, by how often an item sells, by age.

Reads a panel that reaches past the origin. The parts of each split add up to the method's WQL.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.features.panel import Floats, Ints, Panel
from models.forecast.accuracy import pinball
from models.forecast.distribution import LEVELS
from models.forecast.judge import Made, judged_weeks

Flags = NDArray[np.bool_]
YEAR = 52
# name -> lowest and highest value, the lowest in it
LEVEL_PARTS = {".05 to .20": (0.0, 0.225), ".25 to .40": (0.225, 0.425), ".45 to .55": (0.425, 0.575)}
LEVEL_PARTS |= {".60 to .75": (0.575, 0.775), ".80 to .95": (0.775, 1.0)}
VOLUME_PARTS = {
    "under .5 a week": (0.0, 0.5),
    ".5 to 2": (0.5, 2.0),
    "2 to 10": (2.0, 10.0),
    "10 and more": (10.0, np.inf),
}
OFTEN_PARTS = {"sells in under 1 of 4 weeks": (0.0, 0.25), "1 to 3 of 4": (0.25, 0.75), "over 3 of 4": (0.75, np.inf)}
AGE_PARTS = {"under 13 weeks seen": (0.0, 13.0), "13 to 51": (13.0, 52.0), "a year and more": (52.0, np.inf)}


def split_loss(panel: Panel, origin: int, made: Made, rows: Ints) -> dict[str, float]:
    """Part -> its share of the WQL, in units of loss a unit sold; a part without rows is 0."""
    columns = slice(origin, origin + made.mean.shape[1])
    keep = judged_weeks(panel, origin, rows, made.mean.shape[1])
    units = panel.demand[rows, columns]
    loss = pinball(units, made.quantiles[rows], LEVELS) * keep[:, :, None]
    scale = 2.0 / len(LEVELS) / max(float(units[keep].sum()), 1e-9)
    found = {f"week {step + 1}": scale * float(loss[:, step].sum()) for step in range(loss.shape[1])}
    for name, inside in _within(LEVELS, LEVEL_PARTS):
        found[f"level {name}"] = scale * float(loss[:, :, inside].sum())
    weight, demand = panel.weight[rows, :origin], panel.demand[rows, :origin]
    seen = weight[:, -YEAR:]
    year = np.maximum(seen.sum(axis=1), 1e-9)
    mean = (seen * demand[:, -YEAR:]).sum(axis=1) / year
    often = (seen * (demand[:, -YEAR:] > 0)).sum(axis=1) / year
    for values, parts in ((mean, VOLUME_PARTS), (often, OFTEN_PARTS), (weight.sum(axis=1), AGE_PARTS)):
        for name, inside in _within(values, parts):
            found[name] = scale * float(loss[inside].sum())
    return found


def _within(values: Floats, parts: dict[str, tuple[float, float]]) -> Iterator[tuple[str, Flags]]:
    for name, (low, high) in parts.items():
        yield name, (values >= low) & (values < high)
