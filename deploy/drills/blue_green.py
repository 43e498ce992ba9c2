#!/usr/bin/env python
"""Drill: releases go out one after the other under load, behind a real HAProxy, and nobody notices.

Each switch is a whole release: a fresh process of it starts, passes the gate, gets the traffic step by step, the old
one ends. Then one release that is not ready, which must get nothing, and one that fails, which must lose it again.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass

import psutil
from load import ALL, Load, People, employ, told
from scene import HERE, Scene, expect, free_ports, say, scene, wait_until
from world import Chain, answers, published_chain

FOLDER = HERE.parent / "blue-green"
sys.path.insert(0, str(FOLDER))

from switch import Proxy  # noqa: E402

MOST_ROLLBACK_SECONDS = 30
COLOURS = ("blue", "green")


class Street:
    """HAProxy, the two places behind it, and what stands in each."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.door, *places = free_ports(3)
        self.places = dict(zip(COLOURS, places, strict=True))
        self.socket = chain.scene.folder / "haproxy.sock"
        self.standing: dict[str, psutil.Popen] = {}

    def open(self) -> None:
        """HAProxy, with the file as it is deployed."""
        variables = {f"IMS_SWITCH_{name.upper()}": f"127.0.0.1:{port}" for name, port in self.places.items()}
        variables |= {"IMS_SWITCH_SOCKET": str(self.socket), "IMS_SWITCH_BIND": f"127.0.0.1:{self.door}"}
        self.chain.scene.start("haproxy", ["haproxy", "-db", "-f", FOLDER / "haproxy.cfg"], **variables)
        wait_until("haproxy listens", self.socket.exists, 20)

    def put(self, colour: str, *command: str, **variables: str) -> None:
        """A release in this place."""
        port = self.places[colour]
        if command:
            self.standing[colour] = self.chain.scene.start(
                colour, [*command, str(port)], **{**self.chain.environment, **variables}
            )
            wait_until(f"{colour} is alive", lambda: answers(f"http://127.0.0.1:{port}/health"), 60)
            return
        self.standing[colour] = self.chain.serve(colour, "--role", "api", port=port, IMS_POOL_SIZE="8", **variables)

    def take_away(self, colour: str) -> None:
        """The release there ends as asked."""
        process = self.standing.pop(colour)
        process.terminate()
        process.wait(60)

    def switch(self, colour: str, hold: float) -> tuple[int, str]:
        """switch.py; its exit code and words."""
        found = self.chain.scene.run(
            [
                *(sys.executable, FOLDER / "switch.py", colour, "--socket", self.socket, "--hold", str(hold)),
                *("--url", f"http://127.0.0.1:{self.places[colour]}"),
            ],
            may_fail=True,
            **{**self.chain.environment, "IMS": f"{sys.prefix}/bin/ims"},
        )
        return found.returncode, found.stdout + found.stderr

    @property
    def proxy(self) -> Proxy:
        """HAProxy, asked as switch.py asks it."""
        return Proxy(str(self.socket))

    def asked(self, colour: str) -> int:
        """Requests that this place has answered."""
        return self.proxy.counts(colour).asked


@dataclass(frozen=True)
class Asked:
    """What people ask: so many requests a second, of these kinds (all, where none is named)."""

    rate: float
    kinds: frozenset[str]

    def put(self, people: People, port: int, seconds: float) -> Load:
        """This load, for so long."""
        return Load(people, port, self.rate, seconds, asks=self.kinds)


def drill(playing: Scene, profile: str, asked: Asked, switches: int, hold: float) -> None:
    """All of it, in order."""
    street = Street(published_chain(playing, profile))
    street.open()
    street.put("blue")
    wait_until("blue is behind the door", lambda: street.proxy.is_up("blue"), 30)
    people = employ(street.chain, f"http://127.0.0.1:{street.door}")
    go_out(street, people, asked, switches, hold)
    is_refused(street, people, asked, hold)
    is_rolled_back(street, people, asked, hold)


def go_out(street: Street, people: People, asked: Asked, switches: int, hold: float) -> None:
    """Good releases, one after the other."""
    times: list[float] = []
    outcomes = []
    for number in range(switches):
        new, old = COLOURS[1 - number % 2], COLOURS[number % 2]
        with asked.put(people, street.door, 3 * hold + 30) as load:
            began = time.monotonic()
            street.put(new)
            code, words = street.switch(new, hold)
            expect(code == 0, f"switch {number + 1} of {switches}, to {new}: {words.strip().splitlines()[-1]}")
            before = street.asked(old)
            time.sleep(1.5)
            expect(street.asked(old) == before, f"{old} is asked nothing any more")
            street.take_away(old)
            expect(not load.is_over, "all of it under load")
            times.append(time.monotonic() - began)
        outcomes.append(load.outcome)
        say(f"  {told(load.outcome)}; the release took {times[-1]:.1f} s")
    requests, failed = sum(each.requests for each in outcomes), sum(each.errors for each in outcomes)
    late = max(each.late for each in outcomes)
    what = ", ".join(sorted(asked.kinds)) or "the whole mix"
    say(f"asked {asked.rate:,.0f} times a second: {what}; at most {late:.2f} s late; {requests:,} requests answered")
    say(f"whole release, the longest of {switches}: {max(times):.1f} s")
    say(f"failed requests in {switches} switches: {failed}")
    expect(failed == 0, "no request failed")


def is_refused(street: Street, people: People, asked: Asked, hold: float) -> None:
    """A release that says it is not ready: its database holds nothing that is published."""
    good, bad = _places(street)
    street.chain.cluster.ask("CREATE DATABASE empty", "postgres")
    street.put(bad, IMS_DATABASE_URL=street.chain.cluster.url("empty"))
    before = street.asked(bad)
    with asked.put(people, street.door, 10) as load:
        code, words = street.switch(bad, hold)
    expect(code == 2, f"a release that is not ready is refused at the gate: {words.strip().splitlines()[-1][:120]}")
    expect(street.asked(bad) == before, "and was asked nothing")
    expect(load.outcome.errors == 0, f"meanwhile {good} went on: {told(load.outcome)}")
    street.take_away(bad)


def is_rolled_back(street: Street, people: People, asked: Asked, hold: float) -> None:
    """A release that is ready and well, and fails at what people do."""
    _, bad = _places(street)
    street.put(bad, sys.executable, str(HERE / "failing_release.py"))
    with asked.put(people, street.door, 3 * hold + 10) as load:
        code, words = street.switch(bad, max(hold, 5))
        before = street.asked(bad)
        time.sleep(2)
        after = street.asked(bad)
    expect(code == 1, f"a release that fails under traffic is rolled back: {words.strip().splitlines()[-1]}")
    expect(after == before, f"from then on it is asked nothing; before, people saw: {told(load.outcome)}")
    seconds = float(words.rsplit(",", 1)[1].split()[0])
    say(f"rollback of a failing release: {seconds:.1f} s after its first request")
    expect(seconds < MOST_ROLLBACK_SECONDS, f"within {MOST_ROLLBACK_SECONDS} s")
    with asked.put(people, street.door, 5) as load:
        pass
    expect(load.outcome.errors == 0, f"and all is well again: {told(load.outcome)}")


def _places(street: Street) -> tuple[str, str]:
    """Where something stands, and the empty place."""
    good = next(iter(street.standing))
    return good, COLOURS[1 - COLOURS.index(good)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="ci", choices=("ci", "demo", "large"))
    parser.add_argument("--rate", type=float, default=500, help="requests a second (default 500)")
    parser.add_argument("--asks", default="", help=f"kinds of request by comma, else all of: {', '.join(sorted(ALL))}")
    parser.add_argument("--switches", type=int, default=10)
    parser.add_argument("--hold", type=float, default=3, help="seconds that each step of a switch is watched")
    given = parser.parse_args()
    kinds = frozenset(filter(None, given.asks.split(",")))
    if not kinds <= ALL:
        parser.error(f"--asks: not of the mix: {', '.join(sorted(kinds - ALL))}")
    with scene("blue-green") as stage:
        drill(stage, given.profile, Asked(given.rate, kinds), given.switches, given.hold)
