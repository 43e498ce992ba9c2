"""The people: households, their patients, and the days on which these come. Knows nothing of products.

Every patient comes again, or not, after a gap; the whole life is drawn at once, a year beyond the history at least, so
that further weeks do not change what has happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from ims.demo.days import Floats, Ints
from ims.demo.eyes import Eyes, add_of_age, draw_eyes, drift, round_quarter
from ims.demo.luck import Luck
from ims.demo.parameters import read_table
from ims.demo.seasons import index_days
from ims.demo.streams import open_stream
from ims.demo.world import World

EARLIER_DAYS = 2604  # lived before the history, so that it opens with people who know the stores; whole weeks
LATER_DAYS = 371
PAIRS_PER_FRAME = 4.6 / 5.5
VISITS_PER_PAIR = 7.9 / 4.6  # 7 tests and 0.9 prescriptions from elsewhere for 4.6 pairs
EXTERNAL, TESTED, OTHER, NOTHING = range(4)
VISIT_KINDS = [0.114, 0.405, 0.150, 0.331]
RECALLED, OWN_TIME = 0.45, 0.20  # of patients come again: called when the prescription ends, or by themselves
MEMBERS = [0.50, 0.33, 0.14, 0.03]  # of a household: 1.7 on average
MULTI_PAIR = 0.12
AGES = [(5, 14, 12), (15, 25, 22), (26, 35, 20), (36, 45, 18), (46, 55, 14), (56, 65, 9), (66, 84, 5)]
MAX_VISITS = 16


@dataclass(frozen=True)
class People:
    """patients: patient, household, member, store, first_day, age (years at first_day), is_female, eyes' index = row.

    visits, by day: visit, patient, household, store, day, order_day (-1: no spectacles), kind, age, pairs, add, pd and
    sph_r, cyl_r, axis_r, sph_l, cyl_l, axis_l. Days may lie before the history and beyond its end.
    """

    patients: pl.DataFrame
    visits: pl.DataFrame


def draw_people(world: World) -> People:
    """Patients and visits of every store, the same for whatever number of further weeks."""
    luck = Luck(world.seed)
    patients = _draw_patients(world, luck)
    return People(patients, _draw_visits(world, luck, patients))


def _draw_patients(world: World, luck: Luck) -> pl.DataFrame:
    profile, days = world.profile, world.profile.weeks * 7
    first = world.start - timedelta(days=EARLIER_DAYS)
    count = EARLIER_DAYS + days + LATER_DAYS
    frames = next(c for c in world.categories if c.key == "lenses")
    index = index_days([frames], first, count, world.start)[0]
    again = RECALLED + OWN_TIME
    new_share = 1.0 - again / (1.0 + read_table("seasons")["trend_per_year"]) ** 2.0
    rate = profile.units["frames"] * PAIRS_PER_FRAME * VISITS_PER_PAIR * new_share / 1.7
    store, day = [], []
    for s, size in enumerate(world.stores.size):
        arrivals = open_stream(world.seed, "households", s).poisson(rate * size * index)
        day.append(np.repeat(np.arange(count) - EARLIER_DAYS, arrivals))
        store.append(np.full(len(day[-1]), s))
    household_store, household_day = np.concatenate(store), np.concatenate(day)
    household = np.arange(len(household_store))
    members = 1 + luck.choose("members", household, MEMBERS)
    row = np.repeat(household, members)
    member = np.arange(len(row)) - np.repeat(np.cumsum(members) - members, members)
    patient = np.arange(len(row))
    later = np.where(member == 0, 0, luck.exponential("later member", patient, 150.0)).astype(np.int64)
    band = luck.choose("age band", patient, [a[2] for a in AGES])
    low, high = (np.array([a[i] for a in AGES])[band] for i in (0, 1))
    return pl.DataFrame(
        {
            "patient": patient,
            "household": row,
            "member": member,
            "store": household_store[row],
            "first_day": household_day[row] + later,
            "age": low + luck.uniform("age", patient) * (high + 1 - low),
            "is_female": luck.uniform("gender", patient) < 0.52,
        }
    )


def _draw_visits(world: World, luck: Luck, patients: pl.DataFrame) -> pl.DataFrame:
    """Generation after generation: who comes again, when, and what for."""
    patient, day = patients["patient"].to_numpy(), patients["first_day"].to_numpy()
    first_day, first_age = day, patients["age"].to_numpy()
    last = world.profile.weeks * 7 + LATER_DAYS
    weekdays = np.array(read_table("seasons")["weekdays"])
    parts = []
    alive = np.arange(len(patient))
    for generation in range(MAX_VISITS):
        visit = patient[alive] * MAX_VISITS + generation
        if generation:
            age = first_age[alive] + (day - first_day[alive]) / 365.25
            fate = luck.uniform("comes again", visit)
            due = np.where(age < 18, 365, 730) + 12 + 40 * luck.normal("recall", visit)
            own = luck.gamma("own time", visit, (26 / 9) ** 2, 30.4 * 81 / 26)
            gap = np.where(fate < RECALLED, due, own)
            week = np.floor((day + gap) / 7).astype(np.int64)
            day = np.maximum(week * 7 + luck.choose("weekday", visit, weekdays), day + 30)
            keep = (fate < RECALLED + OWN_TIME) & (day < last)
            alive, day, visit = alive[keep], day[keep], visit[keep]
        parts.append(np.stack([visit, alive, day]))
    visit, row, day = np.concatenate(parts, axis=1)
    store = patients["store"].to_numpy()[row]
    open_day, close_day = world.stores.open_day[store], world.stores.close_day[store]
    years = (day - first_day[row]) / 365.25
    age = first_age[row] + years
    kind = luck.choose("visit kind", visit, VISIT_KINDS)
    waits = (kind == TESTED) & (luck.uniform("same day", visit) >= 0.60)
    lag = np.where(waits, luck.geometric("days to order", visit, 4.0), 0)
    buys = kind <= TESTED
    frame = pl.DataFrame(
        {
            "visit": visit,
            "patient": patient[row],
            "household": patients["household"].to_numpy()[row],
            "store": store,
            "day": day,
            "order_day": np.where(buys & (day + lag < close_day), day + lag, -10_000),
            "kind": kind,
            "age": age,
            "pairs": np.where(luck.uniform("multi-pair", visit) < MULTI_PAIR, 2, 1),
            "add": add_of_age(age),
            **_see(luck, patients, row, visit, years, age),
        }
    )
    return frame.filter(pl.Series((day >= open_day) & (day < close_day))).sort("day", "visit")


def _see(
    luck: Luck, patients: pl.DataFrame, row: Ints, visit: Ints, years: Floats, age: Floats
) -> dict[str, Floats | Ints]:
    """The powers found at each visit."""
    eyes: Eyes = draw_eyes(luck, patients["patient"].to_numpy(), patients["age"].to_numpy())
    moved = drift(luck, visit, years, age)
    out: dict[str, Floats | Ints] = {}
    for side, name in enumerate("rl"):
        sph = round_quarter(eyes.sph[side][row] + moved, -16.0, 10.0)
        cyl = round_quarter(eyes.cyl[side][row], -6.0, 0.0)
        out |= {f"sph_{name}": sph + 0.0, f"cyl_{name}": cyl + 0.0, f"axis_{name}": eyes.axis[side][row]}
    middle = np.where(patients["is_female"].to_numpy()[row], 61.0, 64.0) - 0.5 * np.clip(16 - age, 0, 12)
    out["pd"] = np.clip(
        np.rint((middle + 3.2 * luck.normal("pd", patients["patient"].to_numpy())[row]) * 2) / 2, 44, 76
    )
    return out
