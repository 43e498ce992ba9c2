"""Who the customers and patients are: codes, names, mobiles, birthdays. Only those that the history meets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ims.demo.luck import Luck
from ims.demo.names import name_people, number_mobiles
from ims.demo.orders import HOUSEHOLD, NEWCOMER, WEARER
from ims.demo.people import People
from ims.demo.wearers import Wearers
from ims.demo.world import World

BUSINESS_SHARE = 0.01
OLD_DAYS = 760  # a prescription this old may still be valid: who has one is brought along


@dataclass(frozen=True)
class Customers:
    """customers: customer, store, since_day, code and what the file says. patients: patient, customer, ref, ..."""

    customers: pl.DataFrame
    patients: pl.DataFrame


def draw_customers(world: World, people: People, wearers: Wearers, orders: pl.DataFrame) -> Customers:
    """Everybody with a visit or an order before the end, numbered per store by when they first came."""
    luck = Luck(world.seed)
    visits = people.visits.filter(pl.col("day").is_between(-OLD_DAYS, world.total_days, closed="left"))
    homes = visits.select("store", "day", customer=pl.col("household") * 4 + HOUSEHOLD)
    met = pl.concat([homes, orders.filter(pl.col("customer").is_not_null()).select("store", "day", "customer")])
    known = met.group_by("customer").agg(pl.col("store").sort_by("day", "store").first(), since_day=pl.col("day").min())
    known = known.sort("store", "since_day", "customer").with_columns(
        number=pl.int_range(1, pl.len() + 1).over("store")
    )
    customers = _describe(world, luck, known.select("customer", "store", "since_day", "number"))
    return Customers(customers, _describe_patients(world, luck, people, wearers, customers, visits))


def _describe(world: World, luck: Luck, known: pl.DataFrame) -> pl.DataFrame:
    key = known["customer"].to_numpy()
    store, number = known["store"].to_numpy(), known["number"].to_numpy()
    women = luck.uniform("customer gender", key) < 0.45
    codes, cities = (dict(enumerate(v)) for v in (world.stores.codes, world.stores.cities))
    business = pl.Series((luck.uniform("business", key) < BUSINESS_SHARE) & (key % 4 == NEWCOMER))
    code = pl.col("store").replace_strict(codes, return_dtype=pl.String)
    has_mail = pl.Series(luck.uniform("mail", key) < 0.35)
    digits = pl.col("number").cast(pl.String).str.zfill(6)
    mail = pl.format("{}.{}@mail.example", pl.col("full_name").str.to_lowercase().str.replace(" ", "."), "number")
    return known.with_columns(
        code=pl.format("C-{}-{}", code, digits),
        kind=pl.when(business).then(pl.lit("b2b")).otherwise(pl.lit("b2c")),
        full_name=name_people(luck, key, key, women),
        mobile=number_mobiles(store * 1_000_000 + number),
        city=pl.col("store").replace_strict(cities, return_dtype=pl.String),
        store_code=code,
        is_female=pl.Series(women),
        tax_registration=pl.when(business).then(pl.format("29DEMO{}Z5", digits)),
    ).with_columns(email=pl.when(has_mail).then(mail))


def _describe_patients(
    world: World, luck: Luck, people: People, wearers: Wearers, customers: pl.DataFrame, visits: pl.DataFrame
) -> pl.DataFrame:
    """Members of households who came themselves, and wearers; the first of a household is the customer in person."""
    came = visits.group_by("patient").agg(since_day=pl.col("day").min())
    members = people.patients.join(came, on="patient").select(
        patient=pl.col("patient") * 2,
        customer=pl.col("household") * 4 + HOUSEHOLD,
        since_day="since_day",
        first_day="first_day",
        age="age",
        is_female="is_female",
        is_first=pl.col("member") == 0,
    )
    own = wearers.wearers.select(
        patient=pl.col("wearer") * 2 + 1,
        customer=pl.col("wearer") * 4 + WEARER,
        since_day=pl.lit(None, dtype=pl.Int64),
        first_day=pl.lit(0, dtype=pl.Int64),
        age="age",
        is_female="is_female",
        is_first=pl.lit(value=True),
    )
    named = customers.select("customer", "code", "full_name", since="since_day", customer_is_female="is_female")
    both = pl.concat([members, own]).join(named, on="customer", how="inner", maintain_order="left")
    both = both.with_columns(since_day=pl.coalesce("since_day", "since")).sort("customer", "since_day", "patient")
    both = both.with_columns(number=pl.int_range(1, pl.len() + 1).over("customer"))
    grown = pl.col("is_first") & (pl.col("age") >= 18)
    key = both["patient"].to_numpy()
    given = name_people(luck, key, both["customer"].to_numpy(), both["is_female"].to_numpy())
    born = both["first_day"].to_numpy() - np.rint(both["age"].to_numpy() * 365.25).astype(np.int64)
    return both.with_columns(
        ref=pl.format("P-{}-{}", pl.col("code").str.slice(2), "number"),
        full_name=pl.when(grown).then("full_name").otherwise(given),
        is_female=pl.when(grown).then("customer_is_female").otherwise("is_female"),
        born_day=pl.Series(born),
    )
