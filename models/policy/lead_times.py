"""How long vendors take, learnt from what came and from what is still open.

Little evidence is drawn to what a vendor states, and that to how the chain's vendors keep their word.

Reads purchase order lines, terms and categories, gives the `lead_times` frame; paths draw from its quantiles.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from models.policy.paths import Floats

LEVELS = tuple(level / 100 for level in range(5, 100, 5))
QUANTILES = [f"p{level:02d}_days" for level in range(5, 100, 5)]
LEAD_SCHEMA: dict[str, type[pl.DataType]] = {
    "as_of": pl.Date,
    "vendor_code": pl.String,
    "category": pl.String,
    "ended_lines": pl.Int64,
    "censored_lines": pl.Int64,
    "stated_days": pl.Float64,
    "mean_days": pl.Float64,
    "sd_days": pl.Float64,
    "source": pl.String,
    **dict.fromkeys(QUANTILES, pl.Float64),
}
GROUP = ["vendor_code", "category"]
LEAST_LINES = 10  # of the whole chain: under that the stated days stand
PRIOR_LINES = 5.0  # evidence of its own that weighs as much as what is assumed of a group
HALF_LIFE_DAYS = 182.0  # a vendor that has become slow is slow
MAX_DAYS = 400.0


def learn_lead_times(lines: pl.DataFrame, terms: pl.DataFrame, catalog: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The `lead_times` frame (LEAD_SCHEMA): one row per vendor and category that the terms name.

    `lines`: vendor_code, category, sent_on, lead_time_days (null = open), waited_days. No rows where the chain's ended
    lines are under ten. Days are learnt as multiples of what was stated, chain, then vendor, then vendor and category.
    """
    stated = _state_days(terms, catalog)
    seen = _weigh_lines(lines, stated, as_of)
    if seen.filter("is_ended").height < LEAST_LINES or stated.is_empty():
        return pl.DataFrame(schema=LEAD_SCHEMA)
    chain = infer_quantiles(*_observe(seen), np.ones(1), 1.0)
    of_vendor = {
        str(key[0]): infer_quantiles(*_observe(part), chain, PRIOR_LINES)
        for key, part in seen.group_by("vendor_code", maintain_order=True)
    }
    parts = {(str(key[0]), str(key[1])): part for key, part in seen.group_by(GROUP, maintain_order=True)}
    rows = []
    for vendor, category, days in stated.sort(GROUP).iter_rows():
        prior = of_vendor.get(vendor, chain)
        part = parts.get((vendor, category), seen.clear())
        found = np.clip(infer_quantiles(*_observe(part), prior, PRIOR_LINES) * max(days, 1.0), 0.0, MAX_DAYS)
        n_ended = int(part["is_ended"].sum())
        rows.append(
            {
                "as_of": as_of,
                "vendor_code": vendor,
                "category": category,
                "ended_lines": n_ended,
                "censored_lines": part.height - n_ended,
                "stated_days": days,
                "mean_days": float(found.mean()),
                "sd_days": float(found.std()),
                "source": "own lines" if part.height else "vendor" if vendor in of_vendor else "chain",
                **dict(zip(QUANTILES, found.tolist(), strict=True)),
            }
        )
    return pl.DataFrame(rows, schema=LEAD_SCHEMA)


def infer_quantiles(
    value: Floats, is_ended: NDArray[np.bool_], weight: Floats, prior: Floats, strength: float
) -> Floats:
    """Quantiles at LEVELS of a time that is known where ended, and longer than `value` where not: (19,).

    The posterior mean of a beta-Stacy process (Walker and Muliere 1997): the hazard at t is (ended + strength * prior
    mass) / (at risk + strength * prior tail). Without a prior it is Kaplan and Meier's, without a line the prior's own.
    `prior` holds equally likely values. Worked number: prior 10 of strength 1, one line ended at 10 and one open after
    20: of the mass 3, 2 ends at 10, so the median is 10 and the .9 quantile 20, the longest that is known.
    """
    at = np.unique(np.concatenate([value[is_ended], prior]))
    ended = np.array([weight[is_ended & (value == t)].sum() for t in at])
    at_risk = np.array([weight[value >= t].sum() for t in at])
    mass = strength * np.array([(prior == t).mean() for t in at])
    tail = strength * np.array([(prior >= t).mean() for t in at])
    hazard = (ended + mass) / np.maximum(at_risk + tail, 1e-12)
    gone = 1.0 - np.cumprod(1.0 - np.minimum(hazard, 1.0))
    place = np.searchsorted(gone, np.array(LEVELS) - 1e-9)
    longest = np.append(at, max(at[-1], value.max(initial=0.0)))
    return np.asarray(longest[place], dtype=np.float64)


def draw_lead_times(pairs: pl.DataFrame, leads: pl.DataFrame | None) -> Floats:
    """Quantiles of the lead time of each candidate row, days: (n, 19), all alike where nothing is known of its spread.

    Learnt ones moved by what the pair's own terms state beside its group's; else a stated spread, taken as lognormal of
    the stated mean; else the stated days.
    """
    stated = pairs["lead_time_days"].cast(pl.Float64).fill_null(0.0).to_numpy().clip(0.0, MAX_DAYS)
    sd = np.nan_to_num(pairs["lead_time_sd_days"].cast(pl.Float64).fill_null(0.0).to_numpy()).clip(0.0)
    days = spread_stated(stated, sd)
    if leads is None or leads.is_empty():
        return days
    known = pairs.select(GROUP).join(leads, on=GROUP, how="left", maintain_order="left")
    has = known["mean_days"].is_not_null().to_numpy()
    learnt = known.select(QUANTILES).to_numpy().astype(np.float64)
    moved = learnt + (stated - known["stated_days"].fill_null(0.0).to_numpy())[:, None]
    return np.asarray(np.where(has[:, None], np.clip(moved, 0.0, MAX_DAYS), days))


def spread_stated(mean: Floats, sd: Floats) -> Floats:
    """Quantiles at LEVELS of lognormal days of the given means and deviations, both (n,): (n, 19), of that mean.

    Worked number: mean 12, sd 6: median 10.7, .9 quantile 19.6.
    """
    ratio = np.divide(sd, mean, out=np.zeros_like(mean), where=mean > 0)
    width = np.sqrt(np.log1p(ratio * ratio))
    found = np.exp(width[:, None] * special.ndtri(np.array(LEVELS))[None, :])
    return np.asarray(mean[:, None] * found / found.mean(axis=1, keepdims=True))


def _state_days(terms: pl.DataFrame, catalog: pl.DataFrame) -> pl.DataFrame:
    pairs = terms.filter(pl.col("vendor_code").is_not_null(), pl.col("lead_time_days").is_not_null())
    named = pairs.join(catalog.select("store_code", "sku", "category"), on=["store_code", "sku"], how="inner")
    return named.group_by(GROUP).agg(pl.col("lead_time_days").median().cast(pl.Float64).alias("stated_days"))


def _weigh_lines(lines: pl.DataFrame, stated: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Lines with their days as multiples of the stated ones, and the weight of their age."""
    days = pl.coalesce("lead_time_days", "waited_days").cast(pl.Float64)
    age = (pl.lit(as_of) - pl.col("sent_on")).dt.total_days().cast(pl.Float64)
    return (
        lines.filter(pl.col("vendor_code").is_not_null(), pl.col("sent_on").is_not_null(), days >= 0)
        .join(stated, on=GROUP, how="inner")
        .select(
            *GROUP,
            (days.clip(0.0, MAX_DAYS) / pl.col("stated_days").clip(1.0)).alias("ratio"),
            pl.col("lead_time_days").is_not_null().alias("is_ended"),
            (0.5 ** (age.clip(0.0) / HALF_LIFE_DAYS)).alias("weight"),
        )
        .sort(*GROUP, "ratio", "is_ended", "weight")
    )


def _observe(part: pl.DataFrame) -> tuple[Floats, NDArray[np.bool_], Floats]:
    return part["ratio"].to_numpy(), part["is_ended"].to_numpy(), part["weight"].to_numpy()
