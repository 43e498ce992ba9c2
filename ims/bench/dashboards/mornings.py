"""The mornings of many people: each goes round the views of their work; how many questions memory answers.

The first finds a web app that nobody has asked yet. Each further one comes after a publication, as after a night.
"""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg

from api.identity.policy import highest
from ims.bench.dashboards.clicking import go_round
from ims.bench.dashboards.course import ASKED, ask_counter, wait_for_copy
from ims.bench.dashboards.looks import Look
from ims.bench.dashboards.run import PUBLISHED, Gathering, Wanted, gathered
from ims.bench.world import Progress
from ims.failure import Failure
from ims.postgres import connect_databases
from ims.settings import get_settings

AHEAD = "ims_dashboard_questions_ahead_total"
STILL_SECONDS = 5.0  # without one more question asked ahead: it is done
CHOOSES = 1 / 3  # of the views: what is off is looked at closer
# from where the day of the role begins (dashboards.front_page) over what its pages answer, and back to the work
ROUNDS = {
    "staff": ("today", "sales", "stock_health", "workshop", "today"),
    "manager": ("reorder", "today", "alerts", "store_month", "stock_health", "clinic", "workshop", "reorder"),
    "buyer": ("reorder", "assortment", "powers", "vendors", "balancing", "orders", "reorder"),
    "accountant": ("day_close", "sales", "customers", "executive", "day_close"),
    "analyst": ("quality", "pipeline", "forecasts", "models", "quality"),
    "admin": ("executive", "store_comparison", "alerts", "administration", "executive"),
    "superadmin": ("executive", "store_comparison", "alerts", "administration", "executive"),
}


def bench_mornings(wanted: Wanted, nights: Sequence[str], progress: Progress) -> dict[str, Any]:
    """A morning, and one more after each of the nights: commands that publish anew.

    Raises Failure where nothing is published, nobody may look, or a night failed or published nothing.
    """
    with gathered(wanted) as gathering:
        found = asyncio.run(_all(gathering, nights, progress))
    return gathering.circumstances | {"think_seconds": wanted.think, "mornings": found}


async def _all(gathering: Gathering, nights: Sequence[str], progress: Progress) -> list[dict[str, Any]]:
    await wait_for_copy(gathering.address, progress)
    found = [await _morning(gathering, 0, progress)]
    for day, night in enumerate(nights, 1):
        progress(night, 0, None)
        await asyncio.to_thread(_publish, night)
        await wait_for_copy(gathering.address, progress, day + 1)
        await _wait_for_answers(gathering.address, progress)
        found.append(await _morning(gathering, day, progress))
    return found


async def _morning(gathering: Gathering, day: int, progress: Progress) -> dict[str, Any]:
    before = await ask_counter(gathering.address, ASKED)
    began, seen = time.monotonic(), list[Look]()
    people = [
        replace(visitor, views=[view for view in ROUNDS.get(highest(roles) or "", ()) if view in visitor.views])
        for visitor, roles in zip(gathering.crowd, gathering.roles, strict=True)
    ]
    tasks = [asyncio.create_task(go_round(gathering.address, each, seen, day, CHOOSES)) for each in people]
    while (await asyncio.wait(tasks, timeout=0.5))[1]:
        progress(f"morning {day + 1}", len(seen), sum(len(each.views) for each in people))
    await asyncio.gather(*tasks)
    after = await ask_counter(gathering.address, ASKED)
    return {
        "snapshot_id": _published(),
        "seconds": round(time.monotonic() - began, 1),
        "ahead": (await ask_counter(gathering.address, AHEAD)).get("", 0.0),
        "asked": {source: count - before.get(source, 0.0) for source, count in after.items()},
        "megabytes": round(float(gathering.process.memory_info().rss) / 1e6, 1),
        "looks": [look.to_data() for look in seen],
    }


def _publish(command: str) -> None:
    before = _published()
    done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"`{command}` ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
    if _published() == before:
        raise Failure(f"`{command}` published nothing: no morning comes after it.")


async def _wait_for_answers(address: str, progress: Progress) -> None:
    count, since = -1.0, time.monotonic()
    while time.monotonic() - since < STILL_SECONDS:
        now = (await ask_counter(address, AHEAD)).get("", 0.0)
        if now != count:
            count, since = now, time.monotonic()
        progress("questions asked ahead", int(now), None)
        await asyncio.sleep(0.5)


def _published() -> int:
    with psycopg.connect(connect_databases(get_settings()).operational) as connection:
        row = connection.execute(PUBLISHED).fetchone()
    assert row is not None
    return int(row[0])


def mornings_report(found: dict[str, Any]) -> list[str]:
    """Everything that was found, for a terminal."""
    from ims.bench.dashboards.figures import quantile, values_of

    roles = ", ".join(f"{count} {role}" for role, count in found["roles"].items())
    lines = [f"{found['users']} people, {roles}, in {found['scopes']} scopes."]
    for number, morning in enumerate(found["mornings"], 1):
        ready = values_of(morning["looks"], "ready")
        times = ", ".join(f"p{100 * share:.0f} {quantile(ready, share):,.0f} ms" for share in (0.5, 0.95) if ready)
        lines.append(
            f"Morning {number}, snapshot {morning['snapshot_id']}: {100 * share_of_memory(morning):.1f} % of "
            f"{sum(morning['asked'].values()):,.0f} questions were answered from memory; a view was there after "
            f"{times}; the web app held {morning['megabytes']:,.0f} MB."
        )
        lines += [f"{look['view']}: {look['fault']}" for look in morning["looks"] if look["fault"]]
    lines.append(f"{found['mornings'][-1]['ahead']:,.0f} questions were asked ahead.")
    return lines


def share_of_memory(morning: dict[str, Any]) -> float:
    """Of the questions of a morning, those that were answered from memory."""
    asked = morning["asked"]
    return float(asked.get("memory", 0.0)) / (sum(asked.values()) or 1)
