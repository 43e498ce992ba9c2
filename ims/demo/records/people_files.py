"""Files of people: users, customers, patients, consents, prescriptions and their eyes."""

from __future__ import annotations

import polars as pl

from ims.demo.clock import at_hour, stamp
from ims.demo.story import Story

MARKETING_SHARE = 0.55


def tabulate_people(story: Story, first: int, end: int) -> dict[str, pl.DataFrame]:
    """Whoever came to be known on first <= day < end; in a first folder also everybody known before."""
    customers = _new(story.customers.customers, "since_day", first, end)
    patients = _new(story.customers.patients, "since_day", first, end)
    prescriptions = _new(story.findings.filter(pl.col("outcome") == "new_rx"), "told_day", first, end)
    files = {
        "customers": _customers(story, customers),
        "customer_consents": _consents(story, customers),
        "patients": patients.sort("ref").select(
            customer_code="code",
            patient_ref="ref",
            full_name="full_name",
            born_on=story.on("born_day"),
            gender=pl.when("is_female").then(pl.lit("female")).otherwise(pl.lit("male")),
        ),
        "prescriptions": _prescriptions(prescriptions),
        "prescription_eyes": _eyes(prescriptions),
    }
    return files if first else {"users": story.staff.users, **files}


def _new(frame: pl.DataFrame, column: str, first: int, end: int) -> pl.DataFrame:
    known = pl.col(column) < end
    return frame.filter(known & (pl.col(column) >= first) if first else known)


def _customers(story: Story, customers: pl.DataFrame) -> pl.DataFrame:
    hour = at_hour(customers["since_day"].to_numpy(), story.luck.uniform("known", customers["customer"].to_numpy()))
    return customers.select(
        "kind",
        "full_name",
        "mobile",
        "email",
        "tax_registration",
        "city",
        customer_code="code",
        home_store_code="store_code",
        created_at=stamp(story.world.start, pl.lit(pl.Series(hour))),
    ).sort("customer_code")


def _consents(story: Story, customers: pl.DataFrame) -> pl.DataFrame:
    """Whether one may be written to, asked when the customer was first written down."""
    key = customers["customer"].to_numpy()
    time = at_hour(customers["since_day"].to_numpy(), story.luck.uniform("known", key))
    return customers.select(
        customer_code="code",
        purpose=pl.lit("marketing"),
        is_granted=pl.Series(story.luck.uniform("marketing", key) < MARKETING_SHARE),
        source=pl.lit("store"),
        recorded_at=stamp(story.world.start, pl.lit(pl.Series(time))),
    ).sort("customer_code")


def _prescriptions(prescriptions: pl.DataFrame) -> pl.DataFrame:
    return prescriptions.sort("prescription_number").select(
        "prescription_number",
        "patient_ref",
        "store_code",
        "source",
        "kind",
        "prescribed_on",
        "valid_until_on",
        "eye_test_ref",
        "optometrist",
        pd_mm="pd",
    )


def _eyes(prescriptions: pl.DataFrame) -> pl.DataFrame:
    sides = []
    is_lens = pl.col("kind") == "contact_lens"
    for side, name in (("r", "right"), ("l", "left")):
        cyl = pl.col(f"cyl_{side}")
        sides.append(
            prescriptions.select(
                "prescription_number",
                eye=pl.lit(name),
                sph=f"sph_{side}",
                cyl=pl.when(cyl != 0).then(cyl),
                axis=pl.when(cyl != 0).then(f"axis_{side}"),
                add=pl.when(pl.col("add") > 0).then("add"),
                pd_mm=(pl.col("pd") / 2).round(1),
                base_curve_mm=pl.when(is_lens).then(8.6),
                diameter_mm=pl.when(is_lens).then(14.2),
            )
        )
    return pl.concat(sides).sort("prescription_number", "eye")
