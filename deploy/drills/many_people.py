#!/usr/bin/env python
"""Drill: twenty people look at the dashboards on a morning, and a browser among them; how fast, how much from memory.

A published chain is served as it is installed. Shows one thing of two: `speed`, the first paint and the moment of
being interactive of every view in the browser, among the people of `ims bench dashboards`; or `memory`, the share of
questions that were answered without being asked again, on a morning after a night's run (`ims bench mornings`).
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from scene import Scene, expect, say, scene
from world import Chain, published_chain

from ims.bench.dashboards.figures import LIMITS, STEPS, faults_of, quantile, unseen, values_of
from ims.bench.dashboards.mornings import share_of_memory

MOST = 0.95  # of all views, so that one slow view in twenty is no exception
KEPT = 0.8
WAYS = ("clicked", "opened")


def drill(playing: Scene, profile: str, shows: str, people: int, seconds: float) -> None:
    """All of it, in order."""
    chain = published_chain(playing, profile)
    path = playing.folder / f"{shows}.json"
    words = ["--users", str(people), "--guests", "--json", str(path)]
    if shows == "memory":
        show_memory(chain, words, path)
    else:
        show_speed(chain, [*words, "--think", "10", "--limit", f"{seconds:g}"], path)


def show_memory(chain: Chain, words: list[str], path: Path) -> None:
    """People look at what was published a day ago; a night's run; they come again."""
    ((today,),) = chain.ask("SELECT as_of FROM publications ORDER BY publication_id DESC LIMIT 1")
    chain.ims("run", "--as-of", f"{today - dt.timedelta(days=1)}")
    night = shlex.join([sys.executable, "-m", "ims.cli", "run", "--as-of", f"{today}"])
    say(chain.ims("bench", "mornings", "--night", night, *words))
    mornings = json.loads(path.read_text())["mornings"]
    faults = [look for morning in mornings for look in morning["looks"] if look["fault"]]
    expect(not faults, f"no page failed {faults[:3] or ''}")
    share = share_of_memory(mornings[-1])
    say(f"questions answered from memory: {100 * share:.1f} %")
    expect(share >= KEPT, f"at least {KEPT:.0%}")


def show_speed(chain: Chain, words: list[str], path: Path) -> None:
    """One person with a browser sees every view, by click and by address; then twenty others are there too."""
    say(chain.ims("bench", "dashboards", *words))
    found = json.loads(path.read_text())
    faults = faults_of(found)
    expect(not faults, f"no page failed {faults[:3] or ''}")
    left = [view for way in WAYS for view in unseen(found, way)]
    expect(not left, f"every view was seen by one person {left or ''}")
    times = {step: slower_way(found, step) for step in ("painted", "ready")}
    for step, time in times.items():
        say(f"{STEPS[step]} of every view, p95: {time:,.0f} ms")
    for step, time in times.items():
        expect(time <= LIMITS[step], f"{STEPS[step]} within {LIMITS[step]:,} ms")


def slower_way(found: dict[str, Any], step: str) -> float:
    """The p95 over all views of one person with a browser, milliseconds: by click or by address, whichever is more."""
    return max(quantile(values_of(found[way], step), MOST) for way in WAYS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shows", choices=("speed", "memory"))
    parser.add_argument("--profile", default="demo", choices=("ci", "demo", "large"))
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=240, help="that all of it may take")
    given = parser.parse_args()
    with scene("many-people") as stage:
        drill(stage, given.profile, given.shows, given.people, given.seconds)
