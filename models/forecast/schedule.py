"""When models are trained: a few cutoffs, each serving the origins from it to the next, and some before the first.

Pure arithmetic on week indices; no data.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_CUTOFFS = 6
LEAST_GAP = 4
ERROR_ROWS = 30_000
ERROR_WEEKS = (18, 52)


def list_cutoffs(origins: Sequence[int], max_cutoffs: int = MAX_CUTOFFS) -> list[int]:
    """Ascending cutoffs among the origins, the first origin always one; at most `max_cutoffs`, 4 weeks apart or more.

    Origins 60..83 each week, at most 4: cutoffs 60, 66, 72, 78.
    """
    wanted = sorted(set(origins))
    gap = max(-(-(wanted[-1] - wanted[0] + 1) // max_cutoffs), LEAST_GAP)
    cutoffs: list[int] = []
    for origin in wanted:
        if not cutoffs or origin - cutoffs[-1] >= gap:
            cutoffs.append(origin)
    return cutoffs


def list_error_cutoffs(first: int, n_series: int) -> list[int]:
    """Cutoffs before the first origin whose models are tried on the weeks up to it; none when history is short.

    599 series: 50 weeks of errors, from models 50 and 25 weeks before. 30,490 series: 18 weeks, one model: six trials
    of three weeks are the fewest that decide a segment (champion.py).
    """
    weeks = min(max(ERROR_ROWS // max(n_series, 1), ERROR_WEEKS[0]), ERROR_WEEKS[1], first // 2)
    if weeks < 4:
        return []
    return [first - weeks] if weeks <= ERROR_WEEKS[0] else [first - weeks, first - weeks // 2]
