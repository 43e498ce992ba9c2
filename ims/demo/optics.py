"""The power grid: which lens cells eyes need, from the generator of dispensed prescriptions, and the lens lines."""

from __future__ import annotations

import numpy as np
import polars as pl

from ims.demo.parameters import Category
from ims.demo.streams import open_stream

USUAL_CELLS = 369  # sph -6..+4 and cyl -2..0 in steps of 0.25
MAKER_WEIGHTS = (1.0, 0.55, 0.30)


def rank_cells(seed: int, count: int = USUAL_CELLS, eyes: int = 200_000) -> pl.DataFrame:
    """The `count` stock cells (sph, cyl, share) most wanted, the most first; more than 369 reach to sph -7..+5.

    60 % of eyes are myopic, 18 % hyperopic, 22 % near plano; 29 cells cover about half of all eyes.
    """
    rng = open_stream(seed, "prescriptions")
    kind = rng.random(eyes)
    sph = np.where(
        kind < 0.60,
        -(0.5 + rng.gamma(1.25, 1.45, eyes)),
        np.where(kind < 0.78, 0.5 + rng.gamma(1.6, 0.6, eyes), rng.normal(0.0, 0.3, eyes)),
    )
    has_cyl = rng.random(eyes) < np.where(kind < 0.78, 0.48, 0.60)
    cyl = np.where(has_cyl, -(0.25 + rng.gamma(1.3, 0.5, eyes)), 0.0)
    wide = 0 if count <= USUAL_CELLS else 4
    grid = pl.DataFrame({"sph_q": np.rint(sph * 4).astype(int), "cyl_q": np.rint(cyl * 4).astype(int)})
    return (
        grid.filter(pl.col("sph_q").is_between(-24 - wide, 16 + wide), pl.col("cyl_q").is_between(-8, 0))
        .group_by("sph_q", "cyl_q")
        .len()
        .sort(["len", "sph_q", "cyl_q"], descending=[True, False, True])
        .head(count)
        .select(sph=pl.col("sph_q") / 4, cyl=pl.col("cyl_q") / 4, share=pl.col("len") / pl.col("len").sum())
    )


def list_lines(category: Category, makers: list[str], count: int) -> pl.DataFrame:
    """The first `count` stock lens lines: line (`Clarivane 1.56 AR`), maker, tier, and the weight of its demand."""
    tiers = list(category.tiers)
    rows = [(makers[i // len(tiers)], tiers[i % len(tiers)], MAKER_WEIGHTS[i // len(tiers)]) for i in range(count)]
    frame = pl.DataFrame(rows, schema=["maker", "tier", "weight"], orient="row")
    return frame.select(
        line=pl.format("{} {}", "maker", "tier"),
        maker="maker",
        tier="tier",
        weight=pl.col("weight") * pl.col("tier").replace_strict(category.tiers, return_dtype=pl.Float64),
    )
