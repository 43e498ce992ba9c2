"""What the methods did when they were tried on the past, in a sentence: known before any forecast week is over."""

from __future__ import annotations

from dashboards.trust.reading import read
from warehouse.formats import count_of

NOT_YET = (
    "**No forecast week is over yet.** Every run keeps its forecast of the next four whole weeks; the first of them is "
    "judged on the Monday after it, beside what was asked for, and from then on error, bias and coverage stand here."
)


def say_trials(snapshot_id: int) -> str:
    """How the chosen methods did beside the best of the others, over all that was tried; empty where nothing was.

    Worked: losses of 1.0 and 2.0 over 30 and 10 runs, beside 1.1 and 2.0: 50 against 53, 5.7 % less.
    """
    found = read(snapshot_id, "trials", sees_cost=False)
    if found is None:
        return ""
    tried = found.row(0, named=True)
    gain = (1 - (tried["ratio"] or 1.0)) * 100
    return (
        f"Tried at {count_of(tried['origins'], 'past week')} ({count_of(tried['runs'], 'run')} of three weeks that no "
        f"method had seen), the chosen methods lost {abs(gain):.1f} % {'less' if gain >= 0 else 'more'} than the best "
        f"of the others (pinball loss), and no more than these in {tried['kept']} of "
        f"{count_of(tried['kinds'], 'kind')} of demand."
    )
