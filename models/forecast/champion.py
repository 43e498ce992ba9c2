"""Champion and challenger: per segment, who forecasts it, and why it is not somebody else.

Reads trials; a challenger replaces the champion only when it was better by more than the noise of its lead.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from models.forecast.trials import MODEL, Trials

LEAST_ORIGINS = 6
# Standard errors of the mean lead over origins, and the least lead worth a change.
NOISE, LEAST_GAIN = 2.5, 0.01

CHAMPION_SCHEMA: dict[str, type[pl.DataType]] = {
    "segment": pl.String,
    "champion": pl.String,
    "previous": pl.String,
    "is_changed": pl.Boolean,
    "origins": pl.Int64,
    "trial_rows": pl.Int64,
    "champion_loss": pl.Float64,
    "rival": pl.String,
    "rival_loss": pl.Float64,
    "rival_gain_ratio": pl.Float64,
    "noise_ratio": pl.Float64,
    "reason": pl.String,
}


def choose_champions(trials: Trials, reigning: pl.DataFrame | None = None) -> pl.DataFrame:
    """CHAMPION_SCHEMA, one row per segment of the trials; `reigning`: the last choice, else the model reigns.

    Losses are pinball per row and week over the origins of the last year. rival: the best other method;
    rival_gain_ratio: how much less it loses than the reigning one; noise_ratio: what such a lead may be by chance.
    """
    held = {} if reigning is None else dict(reigning.select("segment", "champion").iter_rows())
    losses = trials.losses()
    rows = [
        _choose(segment, trials.segment == segment, trials, losses, held.get(segment, MODEL))
        for segment in sorted(set(trials.segment.tolist()))
    ]
    return pl.DataFrame(rows, schema=CHAMPION_SCHEMA)


def _choose(
    segment: str, of: np.ndarray, trials: Trials, losses: dict[str, np.ndarray], previous: str
) -> dict[str, object]:
    previous = previous if previous in losses else MODEL
    origins, code = np.unique(trials.origin[of], return_inverse=True)
    totals = {name: np.bincount(code, loss[of]) for name, loss in losses.items()}
    base = totals[previous]
    rival = min((name for name in totals if name != previous), key=lambda name: (totals[name].sum(), name))
    lead = base - totals[rival]
    gain = float(lead.sum() / max(base.sum(), 1e-9))
    n = len(origins)
    noise = float(NOISE * lead.std(ddof=1) * n**0.5 / max(base.sum(), 1e-9)) if n > 1 else float("inf")
    wins = n >= LEAST_ORIGINS and gain > max(noise, LEAST_GAIN)
    champion = rival if wins else previous
    if n < LEAST_ORIGINS:
        reason = f"{previous} stays: {n} trials, fewer than {LEAST_ORIGINS}"
    elif wins:
        reason = f"{rival} replaces {previous}: {gain:.1%} less loss, beyond the noise of {noise:.1%}"
    elif gain > 0:
        reason = f"{previous} stays: {rival} lost {gain:.1%} less, within the noise of {noise:.1%}"
    else:
        reason = f"{previous} stays: the next best, {rival}, lost {-gain:.1%} more"
    count = int(of.sum())
    return {
        "segment": segment,
        "champion": champion,
        "previous": previous,
        "is_changed": champion != previous,
        "origins": n,
        "trial_rows": count,
        "champion_loss": float(totals[champion].sum() / max(count, 1)),
        "rival": rival if not wins else previous,
        "rival_loss": float(totals[rival if not wins else previous].sum() / max(count, 1)),
        "rival_gain_ratio": gain,
        "noise_ratio": noise if np.isfinite(noise) else None,
        "reason": reason,
    }
