#!/usr/bin/env python
"""Drill: the API under a steady load for long; whether the memory of its processes grows.

Memory is what is their own (unique set size), each half a minute, once they have warmed up. Prints the slope in MB an
hour, how sure it is, and what failed.
"""

from __future__ import annotations

import argparse
import time
from statistics import linear_regression, mean

import psutil
from load import Load, employ, told
from scene import Scene, expect, free_ports, say, scene
from world import published_chain

EVERY_SECONDS = 30.0
WARM_UP_SHARE = 0.25


def drill(playing: Scene, profile: str, minutes: float, rate: float) -> None:
    """All of it, in order."""
    chain = published_chain(playing, profile)
    (port,) = free_ports(1)
    serving = chain.serve("api", "--role", "api", "--workers", "2", port=port)
    people = employ(chain, f"http://127.0.0.1:{port}")
    seconds = minutes * 60
    every = min(EVERY_SECONDS, seconds / 20)
    samples: list[tuple[float, float]] = []
    with Load(people, port, rate, seconds, 32) as load:
        began = time.monotonic()
        while not load.is_over:
            time.sleep(every)
            samples.append(((time.monotonic() - began) / 3600, own_memory(serving)))
    say(told(load.outcome))
    steady = [each for each in samples if WARM_UP_SHARE * seconds < each[0] * 3600 < seconds]
    slope, error = trend(steady)
    say(
        f"memory of {1 + len(serving.children(recursive=True))} processes: {steady[0][1]:.1f} MB after the warm-up, "
        f"{steady[-1][1]:.1f} MB after {minutes:g} minutes, {len(steady)} samples"
    )
    say(f"slope of the memory: {max(slope - 2 * error, 0):.2f} MB an hour at least ({slope:.2f} ± {2 * error:.2f})")
    expect(load.outcome.errors == 0, "no request failed")
    chain.ims("invariants")


def own_memory(process: psutil.Process) -> float:
    """MB that nobody else has, of a process and its children."""
    return sum(each.memory_full_info().uss for each in (process, *process.children(recursive=True))) / 1e6


def trend(samples: list[tuple[float, float]]) -> tuple[float, float]:
    """Slope and its standard error, MB an hour.

    >>> trend([(0.0, 100.0), (1.0, 102.0), (2.0, 104.0)])
    (2.0, 0.0)
    """
    hours, sizes = [each[0] for each in samples], [each[1] for each in samples]
    line = linear_regression(hours, sizes)
    scatter = sum((size - line.slope * hour - line.intercept) ** 2 for hour, size in samples)
    spread = sum((hour - mean(hours)) ** 2 for hour in hours)
    return line.slope, (scatter / max(len(samples) - 2, 1) / spread) ** 0.5


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="ci", choices=("ci", "demo", "large"))
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--rate", type=float, default=100, help="requests a second (default 100)")
    given = parser.parse_args()
    with scene("soak") as stage:
        drill(stage, given.profile, given.minutes, given.rate)
