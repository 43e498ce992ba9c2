"""Files of the clinic: who waited for a test and how it went."""

from __future__ import annotations

import numpy as np
import polars as pl

from ims.demo.clock import DAY, OPENS, at_hour, stamp
from ims.demo.story import Story

NO_SHOW_SHARE = 0.06
WAIT_MINUTES, WAIT_SIGMA = 8.0, 0.7


def tabulate_clinic(story: Story, first: int, end: int) -> dict[str, pl.DataFrame]:
    """The queue and the tests of first <= day < end; a test that led to an order the same day ended before it."""
    tests = _time_tests(story, first, end)
    queue = pl.concat([tests, _miss_turns(story, tests)], how="diagonal_relaxed").sort(
        "store", "told_day", "queued_s", "rx"
    )
    queue = queue.with_columns(token=pl.int_range(1, pl.len() + 1).over("store", "told_day"))
    start = story.world.start
    came = pl.col("completed_s").is_not_null()
    patients = story.customers.patients.select(patient_ref="ref", customer_code="code")
    queue = queue.join(patients, on="patient_ref", how="left", maintain_order="left")
    return {
        "eye_test_queue": queue.select(
            "store_code",
            "token",
            "customer_code",
            "patient_ref",
            "reason",
            queued_on=story.on("told_day"),
            state=pl.when(came).then(pl.lit("completed")).otherwise(pl.lit("no_show")),
            queued_at=stamp(start, pl.col("queued_s")),
            started_at=stamp(start, pl.col("started_s")),
            completed_at=stamp(start, pl.col("completed_s")),
        ),
        "eye_tests": queue.filter(came).select(
            "store_code",
            "patient_ref",
            "optometrist",
            "eye_test_ref",
            "token",
            "outcome",
            tested_on=story.on("told_day"),
            queued_on=story.on("told_day"),
            started_at=stamp(start, pl.col("started_s")),
            completed_at=stamp(start, pl.col("completed_s")),
            state=pl.lit("completed"),
        ),
    }


def _time_tests(story: Story, first: int, end: int) -> pl.DataFrame:
    """Tests with queued_s, started_s, completed_s and reason."""
    tests = story.findings.filter(pl.col("is_test") & pl.col("told_day").is_between(first, end, closed="left"))
    mine = story.orders.filter(pl.col("source") < 6)
    visits = mine.filter(pl.col("visit").is_not_null()).select("day", "confirmed_s", rx="visit")
    lenses = mine.filter(pl.col("source") == 1).select("patient_ref", "day", "confirmed_s")
    tests = tests.join(visits.unique(["rx", "day"], keep="first", maintain_order=True), left_on=["rx", "told_day"],
                       right_on=["rx", "day"], how="left", maintain_order="left")  # fmt: skip
    lenses = lenses.unique(["patient_ref", "day"], keep="first", maintain_order=True).rename({"confirmed_s": "lens_s"})
    tests = tests.join(
        lenses, left_on=["patient_ref", "told_day"], right_on=["patient_ref", "day"], how="left", maintain_order="left"
    )
    is_lens = pl.col("kind") == "contact_lens"
    ordered = (
        tests.select(pl.when(is_lens).then("lens_s").otherwise("confirmed_s").fill_null(-1)).to_series().to_numpy()
    )
    rx, day = tests["rx"].to_numpy(), tests["told_day"].to_numpy()
    luck = story.luck
    opens = day * DAY + OPENS
    lasts = 900 + (900 * luck.uniform("test lasts", rx)).astype(np.int64)
    wait = (60 * WAIT_MINUTES * np.exp(WAIT_SIGMA * luck.normal("test wait", rx))).astype(np.int64)
    before = ordered - 420 - (1500 * luck.uniform("test before", rx)).astype(np.int64)
    alone = at_hour(day, luck.uniform("test hour", rx), 10.1, 19.5) + wait + lasts
    completed = np.maximum(np.where(ordered >= 0, before, alone), opens + 240)
    started = np.maximum(completed - lasts, opens + 120)
    queued = np.maximum(started - wait, opens + 30)
    reason = luck.choose("test reason", rx, [0.45, 0.42, 0.05, 0.08])
    words = np.array(["routine", "new_glasses", "complaint", "other"])[reason]
    return tests.with_columns(
        queued_s=pl.Series(queued),
        started_s=pl.Series(started),
        completed_s=pl.Series(completed),
        reason=pl.when(is_lens).then(pl.lit("contact_lens")).otherwise(pl.Series(words)),
    )


def _miss_turns(story: Story, tests: pl.DataFrame) -> pl.DataFrame:
    """People who put their name down and were gone when it was called."""
    rx = tests["rx"].to_numpy()
    gone = tests.filter(pl.Series(story.luck.uniform("no show", rx) < NO_SHOW_SHARE / (1 - NO_SHOW_SHARE)))
    key, day = gone["rx"].to_numpy(), gone["told_day"].to_numpy()
    queued = at_hour(day, story.luck.uniform("no show hour", key), 10.1, 19.5)
    return gone.select("store", "store_code", "told_day", "rx", queued_s=pl.Series(queued), reason=pl.lit("routine"))
