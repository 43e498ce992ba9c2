#!/usr/bin/env python
"""Drill: far more is asked than the API can answer. What is too much is told so at once, and all is well again soon.

The API is given few connections, so that a small machine is beyond its capacity as surely as a large one.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections import Counter

import httpx
from load import Load, employ, told
from scene import Scene, expect, free_ports, say, scene, wait_until
from world import published_chain
from writing import Till

SMALL = {"IMS_POOL_SIZE": "4", "IMS_POOL_WAITING": "40"}
QUICK_SECONDS = 1.0


class Prober:
    """Somebody who asks five times a second and looks at what a refusal says."""

    def __init__(self, address: str, token: str) -> None:
        self.address, self.token = address, token
        self.seen: Counter[str] = Counter()
        self.slowest_refusal = 0.0
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self) -> None:
        with httpx.Client(headers={"authorization": f"Bearer {self.token}"}, timeout=35) as client:
            while not self.is_over.is_set():
                began = time.monotonic()
                answer = client.get(f"{self.address}/api/v1/stores")
                words = str(answer.status_code)
                if answer.status_code == 503:
                    words += (
                        f" {answer.json()['type'].rpartition(':')[2]}, Retry-After {answer.headers.get('retry-after')}"
                    )
                    self.slowest_refusal = max(self.slowest_refusal, time.monotonic() - began)
                self.seen[words] += 1
                time.sleep(0.2)


def drill(playing: Scene, profile: str, connections: int, seconds: float) -> None:
    """All of it, in order."""
    chain = published_chain(playing, profile)
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    chain.serve("api", "--role", "api", port=port, **SMALL)
    people = employ(chain, address)
    prober = Prober(address, people.tokens["bench-admin"])
    with Till(address, people.tokens["bench-admin"], chain.cluster.url()) as till:
        time.sleep(2)
        quiet = usual_wait(till)
        prober.thread.start()
        with Load(people, port, None, seconds, connections) as load:
            pass
        over_at = time.time()
        wait_until(
            "a till is served as before",
            lambda: (
                bool(till.kept) and till.kept[-1].asked_at > over_at and usual_wait(till) < max(QUICK_SECONDS, quiet)
            ),
            60,
        )
        recovered = time.time() - over_at
        prober.is_over.set()
        prober.thread.join()
    refused = {words: count for words, count in load.outcome.failures.items() if words.endswith("503")}
    others = {words: count for words, count in load.outcome.failures.items() if words not in refused}
    say(f"{connections} connections at once: {told(load.outcome)[:160]} …")
    expect(
        bool(refused), f"what is too much is refused: {sum(refused.values()):,} of {load.outcome.requests:,} answered"
    )
    expect(not others, f"nothing else is seen: {others or 'only answers and 503'}")
    told_so = [words for words in prober.seen if words.startswith("503")]
    expect(
        bool(told_so) and all("overloaded, Retry-After 1" in words for words in told_so),
        f"a refusal says when to come again: {dict(prober.seen)}, the slowest after {prober.slowest_refusal:.2f} s",
    )
    expect(not till.lost(), f"none of {len(till.kept)} acknowledged orders is lost; the till saw {till.seen(0)}")
    chain.ims("invariants")
    chain.ims("audit", "verify")
    say("shown: invariants and audit chain are whole")
    say(f"recovery after overload: {recovered:.1f} s")


def usual_wait(till: Till) -> float:
    """How long the newest order waited for its answer, seconds."""
    return till.kept[-1].told_at - till.kept[-1].asked_at if till.kept else 0.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="ci", choices=("ci", "demo", "large"))
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=15)
    given = parser.parse_args()
    with scene("over-capacity") as stage:
        drill(stage, given.profile, given.connections, given.seconds)
