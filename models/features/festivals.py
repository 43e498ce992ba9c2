"""Festivals that move: their weeks share a season wherever they fall, and what they lifted before is a feature.

Reads a panel and the days of festivals. A festival of fixed date is the season's, and changes nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from models.features.panel import Floats, Panel

BEFORE, AFTER = 5, 3  # weeks around a festival in which trade is not as usual
BASE = (-13, -6)  # the weeks before it that it is measured against
AHEAD = 20
# an occurrence this far back was over, with its weeks after, before any origin that looks so far ahead
LEAST_AGO = 40
LEAST_UNITS = 30.0


@dataclass(frozen=True)
class Festivals:
    """lead: (n_columns,) weeks to the nearest festival that moves, nan outside its weeks; n_columns = n_weeks + 20.

    lifts: grouping -> (n_codes, n_columns) log of what earlier occurrences sold over the weeks before them; 0 outside.
    """

    lead: Floats
    lifts: dict[str, Floats]


def align_seasons(panel: Panel, festivals: pl.DataFrame) -> Panel:
    """The panel with the weeks of each moving festival in one slot of the year, that of its middle occurrence.

    Festival in ISO weeks 43, 46 and 44: its week has slot 44 in every year, the week before it slot 43.
    """
    slots: dict[int, int] = {}
    for columns in _moving(panel, festivals):
        weeks = [panel.monday(column).isocalendar().week for column in columns]
        middle = sorted(weeks)[len(weeks) // 2]
        for column in columns:
            for lead in range(-BEFORE, AFTER + 1):
                slots[column + lead] = (middle - 1 + lead) % 52
    return replace(panel, slots=slots) if slots else panel


def measure_lifts(
    panel: Panel, festivals: pl.DataFrame, units: dict[str, Floats], weeks: dict[str, Floats]
) -> Festivals | None:
    """Lifts by category and of the chain from running totals (history.py); None where no festival moves.

    A category that sold 60 a week before and 90 at the festival: log 1.5; a few units are shrunk to the chain's.
    """
    moving = _moving(panel, festivals)
    if not moving:
        return None
    n_columns = panel.n_weeks + AHEAD
    lead = np.full(n_columns, np.nan)
    lifts = {name: np.zeros((len(units[name]), n_columns)) for name in ("chain", "category")}
    for columns in moving:
        for column in columns:
            for offset in range(-BEFORE, AFTER + 1):
                at = column + offset
                if not 0 <= at < n_columns:
                    continue
                if np.isnan(lead[at]) or abs(offset) < abs(lead[at]):
                    lead[at] = offset
                past = [c for c in columns if c + offset <= at - LEAST_AGO and c + BASE[0] >= 0]
                if past:
                    chain = _lift(units["chain"], weeks["chain"], past, offset, np.zeros(len(units["chain"])))
                    lifts["chain"][:, at] = chain
                    category = _lift(units["category"], weeks["category"], past, offset, chain[:1])
                    lifts["category"][:, at] = category
    return Festivals(lead, lifts)


def _lift(units: Floats, weeks: Floats, past: list[int], offset: int, parent: Floats) -> Floats:
    sold, usual = np.zeros(len(units)), np.zeros(len(units))
    for column in past:
        low, high = column + BASE[0], column + BASE[1]
        rate = (units[:, high] - units[:, low]) / np.maximum(weeks[:, high] - weeks[:, low], 1e-9)
        at = column + offset
        sold += units[:, at + 1] - units[:, at]
        usual += rate * (weeks[:, at + 1] - weeks[:, at])
    return np.asarray(np.log((sold + LEAST_UNITS * np.exp(parent)) / (usual + LEAST_UNITS)))


def _moving(panel: Panel, festivals: pl.DataFrame) -> list[list[int]]:
    """Columns of each festival whose ISO week changes from year to year, from the panel's first to 20 weeks on."""
    found = []
    for (_,), days in festivals.sort("festival", "day_on").group_by("festival", maintain_order=True):
        columns = sorted({panel.index_of(day) for day in days["day_on"].to_list()})
        columns = [column for column in columns if -1 <= column < panel.n_weeks + AHEAD]
        weeks = [panel.monday(column).isocalendar().week for column in columns]
        if len(columns) > 1 and max(weeks) - min(weeks) > 1:
            found.append(columns)
    return found
