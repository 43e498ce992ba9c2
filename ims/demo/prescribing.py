"""What tests found: outcomes, prescriptions of eyes here and elsewhere, and of contact lenses."""

from __future__ import annotations

import numpy as np
import polars as pl

from ims.demo.clock import day_on
from ims.demo.customers import OLD_DAYS, Customers
from ims.demo.days import Ints
from ims.demo.luck import Luck
from ims.demo.people import EXTERNAL, NOTHING, OTHER, TESTED, People
from ims.demo.staff import Staff
from ims.demo.wearers import Wearers
from ims.demo.world import World

OUTCOMES = ["new_rx", "no_change", "referred"]
OUTCOME_SHARES = {OTHER: [0.50, 0.45, 0.05], NOTHING: [0.62, 0.30, 0.08]}
LENS_FROM_DOCTOR = 0.40
WEARER_RX = 10**12  # added to a wearer's number, so that it is no visit's


def draw_findings(
    world: World,
    luck: Luck,
    people: People,
    wearers: Wearers,
    customers: Customers,
    staff: Staff,
    orders: pl.DataFrame,
) -> pl.DataFrame:
    """rx (the visit, or a wearer's number), store, told_day (when the chain came to know), prescribed_on,
    valid_until_on, prescription_number, patient_ref, source, kind, optometrist, pd, the powers of both eyes, is_test
    (one of the history), outcome.
    """
    both = pl.concat(
        [_of_visits(luck, people, staff, orders), _of_wearers(world, luck, wearers, staff, orders)],
        how="diagonal_relaxed",
    )
    both = both.join(customers.patients.select("patient", patient_ref="ref"), on="patient", how="inner")
    both = both.filter(pl.col("told_day") < world.total_days).sort("store", "told_day", "rx")
    codes = dict(enumerate(world.stores.codes))
    number = pl.int_range(1, pl.len() + 1).over("store", "told_day").cast(pl.String).str.zfill(2)
    told = day_on(world.start, pl.col("told_day")).dt.strftime("%y%m%d")
    code = pl.col("store").replace_strict(codes, return_dtype=pl.String)
    prescribed = day_on(world.start, pl.col("prescribed_day"))
    months = pl.when(pl.col("is_short")).then(pl.lit("12mo")).otherwise(pl.lit("24mo"))
    return both.with_columns(
        prescription_number=pl.format("RX-{}-{}-{}", code, told, number),
        eye_test_ref=pl.when(pl.col("is_test")).then(pl.format("ET-{}-{}-{}", code, told, number)),
        store_code=code,
        prescribed_on=prescribed,
        valid_until_on=prescribed.dt.offset_by(months),
    )


def _outcome(luck: Luck, visit: Ints, kind: Ints) -> pl.Series:
    """What a test came to; whoever orders spectacles of it has a new prescription."""
    out = np.zeros(len(visit), dtype=np.int64)
    for of, shares in OUTCOME_SHARES.items():
        out = np.where(kind == of, luck.choose("outcome", visit, shares), out)
    return pl.Series(np.array(OUTCOMES)[out])


def _of_visits(luck: Luck, people: People, staff: Staff, orders: pl.DataFrame) -> pl.DataFrame:
    visits = people.visits.filter(pl.col("day") >= -OLD_DAYS)
    visit, kind, day, store = (visits[c].to_numpy() for c in ("visit", "kind", "day", "store"))
    external = kind == EXTERNAL
    age_days = np.where(external, luck.whole("age of prescription", visit, 0, 90), 0)
    at_once = orders.filter(pl.col("visit").is_not_null()).select("visit", "day").unique()
    same_day = visits.select("visit", "day").join(
        at_once, on=["visit", "day"], how="left", maintain_order="left", coalesce=False
    )
    waited = visits["order_day"].to_numpy() - day
    soon = (kind == TESTED) & (waited >= 0) & (waited <= 7)
    converts = (soon | same_day["visit_right"].is_not_null().to_numpy()).astype(np.float64)
    tester = staff.optometrist(luck, store, visit, converts)
    outcome = _outcome(luck, visit, kind)
    return visits.select(
        "store",
        "sph_r",
        "cyl_r",
        "axis_r",
        "sph_l",
        "cyl_l",
        "axis_l",
        "add",
        "pd",
        rx="visit",
        patient=pl.col("patient") * 2,
        told_day="day",
        prescribed_day=pl.Series(day - age_days),
        is_short=pl.col("age") < 18,
        source=pl.Series(np.where(external, "from_doctor", "tested_at_store")),
        kind=pl.lit("spectacle"),
        optometrist=pl.when(pl.Series(external)).then(None).otherwise(tester),
        is_test=pl.Series(~external & (day >= 0)),
        outcome=outcome,
    )


def _of_wearers(world: World, luck: Luck, wearers: Wearers, staff: Staff, orders: pl.DataFrame) -> pl.DataFrame:
    """One for each wearer, from a year before the first order at most; the powers are those of the lenses worn."""
    first = orders.group_by("patient").agg(first_day=pl.col("day").min())
    own = wearers.wearers.with_columns(patient=pl.col("wearer") * 2 + 1).join(
        first, on="patient", maintain_order="left"
    )
    own = own.filter(pl.col("first_day").is_not_null())
    wearer, store = own["wearer"].to_numpy(), own["store"].to_numpy()
    is_new = own["since_day"].to_numpy() >= 0
    before = np.where(is_new, 0, luck.whole("lens prescription", wearer, 5, 300))
    doctor = luck.uniform("lens doctor", wearer) < LENS_FROM_DOCTOR
    power = world.catalogue.frame["attributes"].str.json_path_match("$.power").cast(pl.Float64).fill_null(-1.0)
    sku = pl.Series(world.pairs.sku)
    tester = staff.optometrist(luck, store, wearer, np.ones(len(wearer)))
    return own.select(
        "store",
        "patient",
        rx=pl.col("wearer") + WEARER_RX,
        told_day="first_day",
        prescribed_day=pl.col("first_day") - pl.Series(before),
        is_short=pl.lit(value=True),
        source=pl.Series(np.where(doctor, "from_doctor", "tested_at_store")),
        kind=pl.lit("contact_lens"),
        optometrist=pl.when(pl.Series(doctor)).then(None).otherwise(tester),
        is_test=pl.Series(~doctor & is_new),
        outcome=pl.lit("new_rx"),
        **{f"sph_{s}": power.gather(sku.gather(own[f"pair_{s}"])) for s in "rl"},
        cyl_r=pl.lit(0.0),
        cyl_l=pl.lit(0.0),
        add=pl.lit(0.0),
    )
