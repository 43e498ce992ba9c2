#!/usr/bin/env python3
"""Shifts the traffic to the other release, step by step, behind deploy/blue-green/haproxy.cfg.

Before the first request the release must be ready and well (`ims smoke`). At each step its failures are watched: above
the limit all traffic goes back at once. `switch.py green`; to go back by hand, `switch.py blue --at-once`.
Exit codes: 0 shifted, 1 rolled back, 2 refused at the gate. Needs nothing but Python and `ims`.
"""

from __future__ import annotations

import argparse
import csv
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import urlopen

SHIFTED, ROLLED_BACK, REFUSED = 0, 1, 2
STEPS = (10, 50, 100)  # shares of the traffic, percent
FEW = 2  # failures that a step may have whatever its share: one is no reason to go back
LOOK_SECONDS = 0.5
SEEN_SECONDS = 30.0


@dataclass(frozen=True)
class Counts:
    """What one release has answered so far."""

    asked: int
    failed: int


class Proxy:
    """HAProxy, by its socket."""

    def __init__(self, path: str) -> None:
        self.path = path

    def say(self, command: str) -> str:
        """A command and its answer. Raises SystemExit where the proxy refuses it."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.path)
            connection.sendall(f"{command}\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode().strip()
        if answer and not command.startswith("show"):
            raise SystemExit(f"haproxy refuses {command!r}: {answer}")
        return answer

    def weigh(self, release: str, percent: int) -> None:
        """Its share of what comes from now on; open connections stay."""
        # without a sign for percent, which would be of the weight that it began with: of 0, for one of the two
        self.say(f"set weight ims/{release} {percent}")

    def is_up(self, release: str) -> bool:
        """Whether the proxy itself finds it ready: with a weight before that, its share would fall on nobody."""
        return self._row(release)["status"].startswith("UP")

    def counts(self, release: str) -> Counts:
        """Requests, and those that failed: answers of 5xx, and none at all."""
        row = self._row(release)
        count = {
            name: int(row[name] or 0) for name in ("hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "econ", "eresp")
        }
        failed = count["hrsp_5xx"] + count["econ"] + count["eresp"]
        return Counts(sum(count.values()), failed)

    def _row(self, release: str) -> dict[str, str]:
        rows = csv.DictReader(self.say("show stat").lstrip("# ").splitlines())
        return next(each for each in rows if each["pxname"] == "ims" and each["svname"] == release)


def pass_gate(proxy: Proxy, release: str, url: str) -> str | None:
    """Why the release may have no traffic; None when it may."""
    try:
        with urlopen(f"{url}/ready", timeout=10) as answer:
            if answer.status != 200:
                return f"/ready says {answer.status}"
    except URLError as error:
        return f"/ready: {error}"
    found = subprocess.run([os.environ.get("IMS", "ims"), "smoke", url], capture_output=True, text=True)
    if found.returncode:
        return (found.stdout + found.stderr).strip()
    deadline = time.monotonic() + SEEN_SECONDS
    while not proxy.is_up(release):
        if time.monotonic() > deadline:
            return f"it is ready, but the proxy does not find it so within {SEEN_SECONDS:g} s"
        time.sleep(LOOK_SECONDS)
    return None


def is_failing(before: Counts, now: Counts, limit: float) -> bool:
    """Whether more than the limit's share failed since, and more than a few.

    >>> is_failing(Counts(0, 0), Counts(100, 2), 0.01), is_failing(Counts(0, 0), Counts(100, 3), 0.01)
    (False, True)
    """
    failed, asked = now.failed - before.failed, now.asked - before.asked
    return failed > FEW and failed > limit * asked


def shift(proxy: Proxy, old: str, new: str, hold: float, limit: float) -> bool:
    """Step by step; False when it went back."""
    for percent in STEPS:
        before, began = proxy.counts(new), time.monotonic()
        proxy.weigh(new, percent)
        proxy.weigh(old, 100 - percent)
        print(f"{new} has {percent} %", flush=True)
        while time.monotonic() - began < hold:
            time.sleep(LOOK_SECONDS)
            now = proxy.counts(new)
            if is_failing(before, now, limit):
                failed = now.failed - before.failed
                send_all(proxy, new, old)
                took = time.monotonic() - began
                print(f"{new} fails ({failed} of {now.asked - before.asked}): all goes to {old} again, {took:.1f} s")
                return False
    return True


def send_all(proxy: Proxy, away: str, to: str) -> None:
    """All that comes from now on to one release; first the one, then the other, so that it never goes nowhere."""
    proxy.weigh(to, 100)
    proxy.weigh(away, 0)


def main() -> int:
    """As the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", choices=("blue", "green"), help="which is to have the traffic")
    parser.add_argument("--url", help="its own address, for the gate, as http://127.0.0.1:8001")
    parser.add_argument("--socket", default=os.environ.get("IMS_SWITCH_SOCKET", "/run/haproxy/ims.sock"))
    parser.add_argument("--hold", type=float, default=20, help="seconds that each step is watched")
    parser.add_argument("--limit", type=float, default=0.01, help="share of its answers that may fail")
    parser.add_argument("--at-once", action="store_true", help="all traffic now, without gate and steps: the way back")
    given = parser.parse_args()
    proxy, other = Proxy(given.socket), "green" if given.release == "blue" else "blue"
    if given.at_once:
        send_all(proxy, other, given.release)
        return SHIFTED
    if given.url is None:
        parser.error("--url says where the release itself is asked at the gate")
    fault = pass_gate(proxy, given.release, given.url)
    if fault is not None:
        print(f"{given.release} gets no traffic: {fault}", file=sys.stderr)
        return REFUSED
    return SHIFTED if shift(proxy, other, given.release, given.hold, given.limit) else ROLLED_BACK


if __name__ == "__main__":
    sys.exit(main())
