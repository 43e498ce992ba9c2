#!/usr/bin/env python
"""Drill: twenty people look at the dashboards on a morning, and a browser among them; how fast, how much from memory.

A published chain is served as it is installed; `ims bench dashboards` sends the people. Shows one thing of two:
`speed`, the first paint and the moment of being interactive of every view in the browser, or `memory`, the share of
questions that were answered without being asked again.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from scene import Scene, expect, say, scene
from world import published_chain

from ims.bench.dashboards.figures import LIMITS, STEPS, faults_of, quantile, unseen, values_of

MOST = 0.95  # of all views, so that one slow view in twenty is no exception
KEPT = 0.8
WAYS = ("clicked", "opened")


def drill(playing: Scene, profile: str, shows: str, people: int, seconds: float) -> None:
    """All of it, in order."""
    chain = published_chain(playing, profile)
    path = playing.folder / "dashboards.json"
    words = ["--users", str(people), "--think", "10", "--limit", f"{seconds:g}", "--guests", "--json", str(path)]
    say(chain.ims("bench", "dashboards", *words))
    found = json.loads(path.read_text())
    faults = faults_of(found)
    expect(not faults, f"no page failed {faults[:3] or ''}")
    if shows == "memory":
        asked = found["parts"]["together"]["asked"]
        share = asked.get("memory", 0.0) / (sum(asked.values()) or 1)
        say(f"questions answered from memory: {100 * share:.1f} %")
        expect(share >= KEPT, f"at least {KEPT:.0%}")
        return
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
