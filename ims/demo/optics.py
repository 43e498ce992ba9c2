"""The power grid: which lens cells eyes need, from the generator of dispensed prescriptions."""

from __future__ import annotations

import numpy as np
import polars as pl

from ims.demo.streams import open_stream


def rank_cells(seed: int, eyes: int = 200_000) -> pl.DataFrame:
    """Stock cells (sph, cyl, share), the most wanted first; sph -6..+4 and cyl -2..0 in steps of 0.25.

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
    grid = pl.DataFrame({"sph_q": np.rint(sph * 4).astype(int), "cyl_q": np.rint(cyl * 4).astype(int)})
    return (
        grid.filter(pl.col("sph_q").is_between(-24, 16), pl.col("cyl_q").is_between(-8, 0))
        .group_by("sph_q", "cyl_q")
        .len()
        .sort(["len", "sph_q", "cyl_q"], descending=[True, False, True])
        .select(sph=pl.col("sph_q") / 4, cyl=pl.col("cyl_q") / 4, share=pl.col("len") / pl.col("len").sum())
    )
