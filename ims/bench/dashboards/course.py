"""The parts of the benchmark, one after the other, within a limit of time; what each found and what it cost.

Whatever is not done when the time is up is left undone, and noted as such.
"""

from __future__ import annotations

import asyncio
import os
import time
import urllib.request
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import psutil

from ims.bench.dashboards.clicking import click_through
from ims.bench.dashboards.looks import Look, Visitor
from ims.bench.dashboards.visiting import FLAGS, visit
from ims.bench.world import Progress
from ims.failure import Failure
from ims.settings import get_settings

ASKED = "ims_dashboard_questions_total"
COPIES = "ims_dashboard_copies_total"
COPY_SECONDS = 120  # for the copy that pages ask, before anybody comes
ALONE_SHARE = 0.5  # of the time may be gone before many people come
TIMES = 2  # that the browser clicks through the views among them, if there is time


@dataclass
class Course:
    """Where the site is, who looks by browser and who else comes, and how many seconds there are for all."""

    address: str
    chromium: str
    process: psutil.Process
    watcher: Visitor
    crowd: list[Visitor]
    limit: float
    progress: Progress

    async def run(self) -> dict[str, Any]:
        """What was found: looks, memory (MB), processor time of the web app, questions by where the answer was."""
        from playwright.async_api import async_playwright

        await wait_for_copy(self.address, self.progress)
        until = time.monotonic() + self.limit
        alone_until = until - (1 - ALONE_SHARE) * self.limit
        memory = {"at_start_mb": self._megabytes()}
        first, again, opened, clicked, crowd, opening, clicking = (list[Look]() for _ in range(7))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=self.chromium, args=FLAGS)
            begun = [click_through(self.address, self.watcher, first)]
            parts = {"first": await self._part("first looks", begun, [first], alone_until)}
            begun = [click_through(self.address, self.watcher, again)]
            parts["again"] = await self._part("looks again", begun, [again], alone_until)
            begun = [visit(browser, self.address, self.watcher, opened, clicked)]
            parts["alone"] = await self._part("one person", begun, [opened, clicked], alone_until)
            memory["after_one_mb"] = self._megabytes()
            begun = [visit(browser, self.address, self.watcher, opening, clicking, TIMES)]
            begun += [click_through(self.address, each, crowd, once=False) for each in self.crowd]
            parts["together"] = await self._part("together", begun, [opening, clicking, crowd], until)
            memory["with_all_mb"] = parts["together"].pop("megabytes")
            await browser.close()
        memory["session_mb"] = round((memory["with_all_mb"] - memory["after_one_mb"]) / len(self.crowd), 1)
        looks = {"first": first, "again": again, "opened": opened, "clicked": clicked, "opening": opening}
        looks |= {"clicking": clicking, "crowd": crowd}
        data = {name: [look.to_data() for look in found] for name, found in looks.items()}
        return data | {"memory": memory, "parts": parts}

    async def _part(
        self, name: str, work: list[Coroutine[Any, Any, None]], seen: list[list[Look]], until: float
    ) -> dict[str, Any]:
        """Do it until the first of it is done or the time is up."""
        began, busy, asked = time.monotonic(), self._seconds_of_work(), await self._count(ASKED)
        tasks = [asyncio.create_task(each) for each in work]
        while not tasks[0].done() and not any(each.done() and each.exception() for each in tasks):
            if time.monotonic() > until:
                break
            self.progress(name, sum(map(len, seen)), None)
            await asyncio.wait(tasks[:1], timeout=0.5)
        in_time, megabytes = tasks[0].done(), self._megabytes()
        took, work_done = time.monotonic() - began, self._seconds_of_work() - busy
        for each in tasks:
            each.cancel()
        faults = [each for each in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(each, Exception)]
        if faults:
            raise faults[0]
        now = await self._count(ASKED)
        return {
            "seconds": round(took, 1),
            "in_time": in_time,
            "cores": round(work_done / took, 2),
            "load": round(os.getloadavg()[0], 1),
            "megabytes": megabytes,
            "asked": {source: count - asked.get(source, 0.0) for source, count in now.items()},
        }

    async def _count(self, name: str) -> dict[str, float]:
        return await ask_counter(self.address, name)

    def _megabytes(self) -> float:
        return round(float(self.process.memory_info().rss) / 1e6, 1)

    def _seconds_of_work(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


async def wait_for_copy(address: str, progress: Progress, copies: int = 1) -> None:
    """Until the web app has made so many copies, unless the settings forbid them. Raises Failure."""
    until = time.monotonic() + COPY_SECONDS
    while get_settings().copies_published and (await ask_counter(address, COPIES)).get("", 0.0) < copies:
        if time.monotonic() > until:
            raise Failure(f"The copy of what is published was not there after {COPY_SECONDS} seconds.")
        progress("the copy that pages ask", 0, None)
        await asyncio.sleep(0.5)


async def ask_counter(address: str, name: str) -> dict[str, float]:
    """`read_counter`, while others go on."""
    return await asyncio.to_thread(read_counter, address, name)


def read_counter(address: str, name: str) -> dict[str, float]:
    """A counter of the web app by its label; empty where it does not count that."""
    request = urllib.request.Request(f"{address}/metrics")
    token = get_settings().metrics_token
    if token is not None:
        request.add_header("Authorization", f"Bearer {token.get_secret_value()}")
    with urllib.request.urlopen(request, timeout=30) as answer:  # nosec B310
        lines = answer.read().decode().splitlines()
    found = [line.removeprefix(name).rpartition(" ") for line in lines if line.startswith((f"{name}{{", f"{name} "))]
    return {labels.partition('"')[2].rpartition('"')[0]: float(value) for labels, _, value in found}
