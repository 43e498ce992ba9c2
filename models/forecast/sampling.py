"""Which (series, origin, step) triples a model is trained on, all of them with a target before the cutoff.

Reads a history. Near steps come first, because orders are decided there; far steps are sampled.
"""

from __future__ import annotations

import numpy as np

from models.features.history import History
from models.features.panel import Ints

NEAR_STEPS = 4
FIRST_ORIGIN = 8
ORIGIN_WEEKS = 104
LEAST_WEEKS = 2.0
FAR_SHARE = 0.25

Triples = tuple[Ints, Ints, Ints]


def sample_rows(history: History, cutoff: int, n_steps: int, n_rows: int, seed: int) -> Triples:
    """Series, origin and step (1-based) of at most about `n_rows` rows, in a fixed order for a seed.

    Targets lie before `cutoff`, on the shelf for a day or more; series have two in-stock weeks before the origin.
    """
    near = min(NEAR_STEPS, n_steps)
    parts = [_draw(history, cutoff, 1, near, n_rows, seed)]
    if n_steps > near:
        parts.append(_draw(history, cutoff, near + 1, n_steps, int(n_rows * FAR_SHARE), seed + 1))
    i, t, h = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return i, t, h


def _draw(history: History, cutoff: int, first: int, last: int, n_rows: int, seed: int) -> Triples:
    n = history.panel.n_series
    start = max(FIRST_ORIGIN, cutoff - ORIGIN_WEEKS)
    n_steps = last - first + 1
    total = max(cutoff - start, 0) * n * n_steps
    if first == 1 and total <= 2 * n_rows:
        flat = np.arange(total)
    else:
        # far steps of one origin share their target's surprises: one in n_steps of them carries most of it
        wanted = min(int(1.3 * n_rows), total if first == 1 else total // n_steps)
        flat = np.sort(np.random.default_rng(seed).choice(total, wanted, replace=False)) if total else np.arange(0)
    h = flat % n_steps + first
    i = (flat // n_steps) % n
    t = flat // (n_steps * n) + start
    good = t + h - 1 < cutoff
    i, t, h = i[good], t[good], h[good]
    good = (history.panel.weight[i, t + h - 1] > 0) & (history.weeks[i, t] >= LEAST_WEEKS)
    i, t, h = i[good], t[good], h[good]
    if len(i) > n_rows:
        keep = np.sort(np.random.default_rng(seed + 7).choice(len(i), n_rows, replace=False))
        i, t, h = i[keep], t[keep], h[keep]
    return i, t, h
