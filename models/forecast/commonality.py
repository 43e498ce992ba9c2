"""How far all series err together: the factor that a week gives to a whole chain, learned from sums of past errors.

Reads errors of past forecasts. It widens totals; single series have it in their own scatter already.
"""

from __future__ import annotations

import numpy as np

from models.forecast.errors import Errors

LEAST_ORIGINS = 4
# What a chain too young to have been wrong together gets: a tenth up or down, as chains were seen to be.
YOUNG_COMMON = 0.01


def fit_common(errors: Errors, shared: float) -> float:
    """Variance of the factor that all series share in a week, from sums over series of past errors; at least 0.

    (sum y - sum m)^2 - sum (m + shared m^2) over (sum m)^2, mean over origins and steps. Sums of 1,000 expected and
    1,100 sold, a variance of 2,000 as if apart: (10,000 - 2,000) / 10^6 = .008.
    """
    origins, code = np.unique(errors.origin, return_inverse=True)
    if len(origins) < LEAST_ORIGINS:
        return YOUNG_COMMON
    found = []
    for step in range(errors.mean.shape[1]):
        mean, units = errors.mean[:, step], errors.units[:, step]
        total, gap = np.bincount(code, mean), np.bincount(code, units - mean)
        apart = np.bincount(code, mean + shared * mean**2)
        found.append((gap**2 - apart) / np.maximum(total, 1e-9) ** 2)
    return max(float(np.mean(found)), 0.0)
