"""Files of the workshop: jobs as they stand, what happened to them, remakes and pairs that did not suit."""

from __future__ import annotations

import numpy as np
import polars as pl

from ims.demo.clock import DAY, NEVER, stamp
from ims.demo.made_to_order import LAB_VENDORS
from ims.demo.needs import PROGRESSIVE
from ims.demo.records.rupees import rupees
from ims.demo.story import Story
from ims.demo.workshop import FAULTS, IN_HOUSE, REASONS

STEPS = (("confirmed_s", "pending"), ("started_s", "in_progress"), ("qc_s", "qc"), ("failed_s", "qc_failed"),
         ("restarted_s", "in_progress"), ("qc_again_s", "qc"), ("ready_s", "ready"),
         ("delivered_s", "delivered"))  # fmt: skip
NON_ADAPT_SHARES = [0.7, 0.15, 0.10, 0.05]
NON_ADAPT_REASONS = ["progressive_intolerance", "wrong_power_felt", "cosmetic", "other"]
CHARGED = 50_000  # paise, of every third


def tabulate_workshop(story: Story, first: int, end: int) -> dict[str, pl.DataFrame]:
    """Jobs that came to be or went on in first <= day < end, and the events, remakes and non-adapts of these days."""
    begin, until = first * DAY, end * DAY
    times = [t for t, _ in STEPS]
    moved = pl.any_horizontal(pl.col(t).is_between(begin, until, closed="left") for t in times)
    jobs = story.jobs.filter((pl.col("day") < end) & moved)
    state = pl.lit("pending")
    for time, name in STEPS:
        state = pl.when((pl.col(time) < until) & (pl.col(time) < NEVER)).then(pl.lit(name)).otherwise(state)
    jobs = jobs.with_columns(state=state).sort("job_number")
    in_lab = pl.col("made") != IN_HOUSE
    lens = (
        pl.when(pl.col("qc_s") < until)
        .then(pl.lit("mounted"))
        .when(pl.col("started_s") < until)
        .then(pl.lit("received"))
        .otherwise(pl.when(in_lab).then(pl.lit("ordered")).otherwise(pl.lit("received")))
    )
    vendors = list(LAB_VENDORS)
    vendor = pl.when(pl.col("lens_class") == PROGRESSIVE).then(pl.lit(vendors[0])).otherwise(pl.lit(vendors[1]))
    tech = story.staff.technician(jobs["store"].to_numpy())
    return {
        "lab_jobs": jobs.select(
            "job_number",
            "order_ref",
            "store_code",
            "pair_group",
            "prescription_number",
            "state",
            vendor_code=pl.when(in_lab).then(vendor),
            lens_state=lens,
            promised_on=story.on("promised_day"),
            technician=tech,
            rework_count=(pl.col("failed_s") < until).cast(pl.Int64),
            created_at=stamp(story.world.start, pl.col("confirmed_s")),
        ),
        "lab_job_events": _events(story, begin, until),
        "remakes": _remakes(story, begin, until),
        "non_adapts": _non_adapts(story, first, end),
    }


def _events(story: Story, begin: int, until: int) -> pl.DataFrame:
    """One row per step that a job took; from_state is the step before it."""
    steps = pl.concat(
        story.jobs.select("job_number", "store", at=time, to_state=pl.lit(state), step=pl.lit(i))
        for i, (time, state) in enumerate(STEPS)
    )
    steps = steps.filter(pl.col("at") < NEVER).sort("job_number", "step")
    steps = steps.with_columns(from_state=pl.col("to_state").shift(1).over("job_number"))
    steps = steps.filter(pl.col("at").is_between(begin, until, closed="left"))
    return steps.select(
        "job_number",
        "from_state",
        "to_state",
        happened_at=stamp(story.world.start, pl.col("at")),
        username=story.staff.technician(steps["store"].to_numpy()),
    )


def _remakes(story: Story, begin: int, until: int) -> pl.DataFrame:
    failed = story.jobs.filter(pl.col("failed_s").is_between(begin, until, closed="left")).sort("job_number")
    costs = story.lines.filter(pl.col("eye") >= 0).group_by("order", "pair_group").agg(pl.col("unit_cost").sum())
    failed = failed.join(costs, on=["order", "pair_group"], maintain_order="left")
    both = pl.Series(story.luck.uniform("spoilt", failed["slot"].to_numpy()) < 0.4)
    cost = pl.when(both).then("unit_cost").otherwise(pl.col("unit_cost") // 2)
    return failed.select(
        "job_number",
        attempt=pl.lit(1),
        reason=pl.col("reason").replace_strict(dict(enumerate(REASONS)), return_dtype=pl.String),
        fault=pl.col("fault").replace_strict(dict(enumerate(FAULTS)), return_dtype=pl.String),
        spoilage_cost_amount=rupees(cost),
        recorded_at=stamp(story.world.start, pl.col("failed_s")),
        recorded_by=story.staff.technician(failed["store"].to_numpy()),
    )


def _non_adapts(story: Story, first: int, end: int) -> pl.DataFrame:
    jobs = story.jobs.filter(pl.col("non_adapt_days") >= 0)
    jobs = jobs.with_columns(reported=pl.col("delivered_s") // DAY + pl.col("non_adapt_days"))
    jobs = jobs.filter(pl.col("reported").is_between(first, end, closed="left")).sort("job_number")
    slot = jobs["slot"].to_numpy()
    reason = story.luck.choose("non-adapt reason", slot, NON_ADAPT_SHARES)
    charged = pl.Series(np.where(story.luck.uniform("charged", slot) < 1 / 3, CHARGED, 0))
    return jobs.select(
        "job_number",
        reason=pl.Series([NON_ADAPT_REASONS[r] for r in reason], dtype=pl.String),
        reported_on=story.on("reported"),
        charged_amount=rupees(pl.lit(charged)),
        recorded_by=story.staff.manager(jobs["store"].to_numpy()),
    )
