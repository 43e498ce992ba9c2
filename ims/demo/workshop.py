"""How long a pair takes to make: jobs of the workshop and the laboratory, remakes, and when the customer has it."""

from __future__ import annotations

import numpy as np
import polars as pl

from ims.demo.clock import CLOSES, DAY, NEVER, at_hour
from ims.demo.days import Floats, Ints
from ims.demo.luck import Luck
from ims.demo.needs import HIGH_INDEX, PROGRESSIVE

IN_HOUSE, LAB_SIMPLE, LAB_COMPLEX = range(3)
PROMISED_DAYS = [1, 7, 12]
LAB_DAYS = {LAB_SIMPLE: (4.8, 1.2, 3, 7), LAB_COMPLEX: (9.0, 1.5, 7, 12)}  # mean, sd, least, most
LATE_SHARE = 0.075  # beside what a remake makes late: 12 % in all
REMAKE_SHARE = [0.04, 0.04, 0.06, 0.06, 0.11]  # by lens class
REASONS = ["axis_error", "power_error", "fitting_error", "surface_defect", "coating_defect", "breakage_in_lab",
           "wrong_lens_picked", "customer_changed_rx", "other"]  # fmt: skip
REASON_SHARES = [0.14, 0.16, 0.18, 0.12, 0.10, 0.10, 0.08, 0.07, 0.05]
FAULTS, FAULT_SHARES = ["lab", "store", "vendor", "customer"], [0.45, 0.25, 0.15, 0.15]
NON_ADAPT_SHARE = 0.05  # of progressives


def draw_jobs(luck: Luck, pairs: pl.DataFrame) -> pl.DataFrame:
    """Adds to one row per pair (slot, day, confirmed_s, lens_class, in_house, special_day) its course.

    made, promised_day, started_s, qc_s, failed_s, restarted_s, qc_again_s (NEVER without a remake), ready_s, reason,
    fault and non_adapt_days (-1: none).
    """
    slot, day, confirmed = (pairs[c].to_numpy() for c in ("slot", "day", "confirmed_s"))
    lens_class, special = pairs["lens_class"].to_numpy(), pairs["special_day"].to_numpy()
    made = np.where(pairs["in_house"].to_numpy(), IN_HOUSE, np.where(lens_class >= HIGH_INDEX, LAB_COMPLEX, LAB_SIMPLE))
    promised = day + np.array(PROMISED_DAYS)[made]
    took = _days(luck, slot, made)
    late = luck.uniform("late", slot) < LATE_SHARE
    took = np.where(late, np.array(PROMISED_DAYS)[made] + luck.geometric("how late", slot, 2.5), took)
    took = np.maximum(took, special - day)
    u = [luck.uniform(f"hour of job {i}", slot) for i in range(6)]
    at_once = confirmed + 900 + (1800 * u[0]).astype(np.int64)
    lasts = 1800 + (3600 * u[1]).astype(np.int64)
    evening = (took == 0) & (at_once + lasts + 1200 > day * DAY + CLOSES)
    took = np.where(evening, 1, took)
    started = np.where(took == 0, at_once, at_hour(day + took, u[2], 10.2, 15.0))
    qc = started + lasts
    remade = luck.uniform("remake", slot) < np.array(REMAKE_SHARE)[lens_class]
    failed = np.where(remade, qc + 600, NEVER)
    again_day = qc // DAY + np.where(made == IN_HOUSE, 1, luck.whole("remake days", slot, 3, 6))
    restarted = np.where(remade, at_hour(again_day, u[3], 10.2, 15.0), NEVER)
    qc_again = np.where(remade, restarted + lasts, NEVER)
    ready = np.where(remade, qc_again, qc) + 300 + (900 * u[4]).astype(np.int64)
    adapts_not = (lens_class == PROGRESSIVE) & (luck.uniform("non-adapt", slot) < NON_ADAPT_SHARE)
    return pairs.with_columns(
        pl.Series("made", made),
        pl.Series("promised_day", promised),
        pl.Series("started_s", started),
        pl.Series("qc_s", qc),
        pl.Series("failed_s", failed),
        pl.Series("restarted_s", restarted),
        pl.Series("qc_again_s", qc_again),
        pl.Series("ready_s", ready),
        pl.Series("reason", luck.choose("reason", slot, REASON_SHARES)),
        pl.Series("fault", luck.choose("fault", slot, FAULT_SHARES)),
        pl.Series("non_adapt_days", np.where(adapts_not, luck.whole("non-adapt days", slot, 5, 40), -1)),
    )


def _days(luck: Luck, slot: Ints, made: Ints) -> Ints:
    took = luck.choose("in-house days", slot, [0.55, 0.40, 0.05])
    for kind, (mean, sd, least, most) in LAB_DAYS.items():
        sigma = np.sqrt(np.log1p((sd / mean) ** 2))
        drawn: Floats = mean * np.exp(sigma * luck.normal("laboratory days", slot) - sigma**2 / 2)
        took = np.where(made == kind, np.clip(np.rint(drawn), least, most).astype(np.int64), took)
    return took


def hand_over(luck: Luck, order: Ints, ready: Ints) -> Ints:
    """When the customer fetches it: the same day for 45 %, else a few days later."""
    u = luck.uniform("fetched", order)
    same_day = (luck.uniform("fetched at once", order) < 0.45) & (ready % DAY < CLOSES - 5400)
    soon = ready + 600 + (u * (CLOSES - 600 - ready % DAY - 600)).astype(np.int64)
    return np.where(same_day, soon, at_hour(ready // DAY + luck.geometric("fetched days", order, 1.8), u))
