#!/usr/bin/env python
"""Drill: every part is killed in turn while a till works; what people see, what is lost, how long until all is well.

What a platform does (start again what has ended) is done here after a second by the drill. Writes docs/drills.md.
"""

from __future__ import annotations

import argparse
import http.server
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import psycopg
from door import open_door, write_door
from scene import Scene, expect, free_ports, say, scene, wait_until
from table import write_table
from world import Chain, answers, published_chain
from writing import Till, sign_in

from ims.bench.people import add_people

RESTART_SECONDS = 1.0
RUN = (
    "from pipelines.run import run; from pipelines.rebuild import Rebuild;"
    "print(run(None, lambda *step: print(*step, flush=True), rebuild=Rebuild(True)).message, flush=True)"
)
STAGES = {"extract": "extract 9", "build": "build tables 11", "publish": "publish 0"}
MESSAGES = 200
STUCK_SECONDS = 15


@dataclass(frozen=True)
class Row:
    """What one kill did."""

    part: str
    seen: str
    stood_seconds: float  # the longest time in which nothing was acknowledged
    well_seconds: float
    lost: int
    note: str = ""


class Shop:
    """The whole of IMS behind its proxy, each part a process that is started again when it has ended."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.scene = chain, chain.scene
        self.secure, self.api, self.dashboards, self.dagster, self.hooks = free_ports(5)
        self.rows: list[Row] = []
        self.parts: dict[str, psutil.Popen] = {}
        self.received: list[str] = []

    @property
    def address(self) -> str:
        """Where people reach it."""
        return f"https://127.0.0.1:{self.secure}"

    def open(self) -> None:
        """Every part."""
        receiver = http.server.ThreadingHTTPServer(("127.0.0.1", self.hooks), self._receiver())
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        write_door(self.scene, self.secure, self.api, self.dashboards)
        for part in ("api", "dashboards", "dagster"):
            self.start(part)
        self.start("proxy")

    def start(self, part: str) -> None:
        """One part, until it answers."""
        if part == "proxy":
            self.parts[part] = open_door(self.scene, self.secure)
        elif part == "api":
            self.parts[part] = self.chain.serve(
                "api",
                *("--role", "api", "--workers", "2"),
                port=self.api,
                IMS_WEBHOOK_SECRET="s" * 32,
                IMS_WEBHOOK_HOSTS=f"127.0.0.1:{self.hooks}",
            )
        elif part == "dashboards":
            self.parts[part] = self.chain.serve("dashboards", "--role", "dashboards", port=self.dashboards)
        else:
            self.parts[part] = self.chain.serve("dagster", "--role", "dagster", port=self.dagster, path="/server_info")

    def kill(
        self, till: Till, part: str, do: Callable[[], float | None], well: Callable[[], bool], note: str = ""
    ) -> None:
        """Do it, restart as a platform would, wait until all is well; a row of the table.

        `do` says when it killed, where that was not at once.
        """
        time.sleep(2)
        began = time.time()
        began = do() or began
        wait_until(f"all is well after {part}", lambda: well() and self.is_working(till), 180)
        took = time.time() - began
        time.sleep(1)
        row = Row(part, till.seen(began), till.longest_wait(began), took, len(till.lost()), note)
        self.rows.append(row)
        say(f"{part}: seen {row.seen}; stood {row.stood_seconds:.1f} s; well after {took:.1f} s; lost {row.lost}")

    def is_working(self, till: Till) -> bool:
        """An order was acknowledged within the last second."""
        return bool(till.kept) and time.time() - till.kept[-1].told_at < 1

    def end(self, part: str) -> None:
        """As the kernel ends it when memory is out; then the platform's word."""
        process = self.parts[part]
        family = process.children(recursive=True)
        process.kill()
        process.wait(10)
        for each in family:  # a container's other processes end with its first
            if each.is_running():
                each.kill()
        psutil.wait_procs(family, timeout=10)
        time.sleep(RESTART_SECONDS)
        self.start(part)

    def _receiver(self) -> type[http.server.BaseHTTPRequestHandler]:
        received = self.received

        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                received.append(body.decode())
                time.sleep(0.05)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        return Receiver


def drill(playing: Scene, profile: str, stages: list[str]) -> None:
    """All of it, in order."""
    chain = published_chain(playing, profile)
    shop = Shop(chain)
    shop.open()
    passwords, _ = add_people(chain.cluster.url())
    token = sign_in(f"http://127.0.0.1:{shop.api}", "bench-admin", passwords["bench-admin"])
    with Till(shop.address, token, chain.cluster.url()) as till:
        kill_web(shop, till)
        kill_database(shop, till)
        kill_outbox(shop, till)
        for stage in stages:
            kill_run(shop, till, stage)
        if stages:
            began = time.monotonic()
            chain.ims("run", "--full")
            say(f"the run after {len(stages)} killed ones published, {time.monotonic() - began:.0f} s")
    chain.ims("invariants")
    chain.ims("audit", "verify")
    chain.ims("lake", "verify")
    say("shown: invariants, audit chain and lake are whole after all of it")
    say(f"acknowledged orders: {len(till.kept)}, of which lost: {len(till.lost())}")
    say(f"kinds of failure: {len(shop.rows)}; the longest until all was well: {longest(shop.rows):.1f} s")
    write_table(shop.rows, profile, len(till.kept))
    expect(not till.lost(), "nothing that was acknowledged is lost")


def longest(rows: list[Row]) -> float:
    """Seconds until well, the longest."""
    return max(row.well_seconds for row in rows)


def kill_web(shop: Shop, till: Till) -> None:
    """The parts that people reach."""
    ready = f"http://127.0.0.1:{shop.api}/ready"

    def worker() -> None:
        workers = [each for each in shop.parts["api"].children() if "spawn_main" in " ".join(each.cmdline())]
        workers[0].kill()

    shop.kill(till, "one worker of the API", worker, lambda: answers(ready), "the supervisor starts another")
    shop.kill(till, "the API, supervisor and all", lambda: shop.end("api"), lambda: answers(ready))
    page = f"{shop.address}/sign-in"
    shop.kill(
        till,
        "the dashboards",
        lambda: shop.end("dashboards"),
        lambda: answers(page),
        "open pages say that they are disconnected, and load again",
    )
    shop.kill(till, "the proxy", lambda: shop.end("proxy"), lambda: answers(page))
    shop.kill(
        till,
        "Dagster, daemon and UI",
        lambda: shop.end("dagster"),
        lambda: answers(f"http://127.0.0.1:{shop.dagster}/server_info"),
        "a nightly run that was due meanwhile starts afterwards",
    )


def kill_database(shop: Shop, till: Till) -> None:
    """PostgreSQL loses its power; then it does not answer, as when the network to it is cut."""
    cluster, ready = shop.chain.cluster, f"http://127.0.0.1:{shop.api}/ready"

    def crash() -> None:
        cluster.kill()
        time.sleep(RESTART_SECONDS)
        (cluster.data / "postmaster.pid").unlink(missing_ok=True)
        cluster.start()

    def stick() -> None:
        family = [psutil.Process(cluster.pid), *psutil.Process(cluster.pid).children()]
        for each in family:
            each.suspend()
        time.sleep(STUCK_SECONDS)
        for each in family:
            if each.is_running():
                each.resume()

    shop.kill(till, "PostgreSQL, every process of it", crash, lambda: answers(ready), "it replays its log")
    shop.kill(
        till,
        f"PostgreSQL does not answer for {STUCK_SECONDS} s",
        stick,
        lambda: answers(ready),
        "as when the network to it is cut; the seconds include these",
    )


def kill_outbox(shop: Shop, till: Till) -> None:
    """The process that delivers messages, in the middle of it: each arrives, some twice, under the same id."""
    insert = (
        "INSERT INTO outbox_messages (topic, channel, recipient, subject, payload)"
        " SELECT 'event.occurred', 'webhook', %s, 'drill',"
        " jsonb_build_object('kind', 'drill', 'entity_type', 'number', 'entity_id', n) FROM generate_series(1, %s) AS n"
    )

    def work() -> float:
        with psycopg.connect(shop.chain.cluster.url()) as connection:
            connection.execute(insert, [f"http://127.0.0.1:{shop.hooks}/", MESSAGES])
        wait_until("the first messages arrive", lambda: len(shop.received) > 5, 60)
        killed_at = time.time()
        shop.end("api")
        return killed_at

    left = "SELECT count(*) FROM outbox_messages WHERE subject = 'drill' AND state <> 'delivered'"
    shop.kill(
        till,
        "the outbox's worker, while it delivers",
        work,
        lambda: shop.chain.cluster.ask(left) == [(0,)],
        f"{MESSAGES} messages; what was under way waits for its lease to end, and may arrive twice",
    )
    expect(len(set(shop.received)) >= MESSAGES, f"all {MESSAGES} messages arrived, {len(shop.received)} deliveries")


def kill_run(shop: Shop, till: Till, stage: str) -> None:
    """A run, when it reports this stage: what is served stays."""
    pointer = "SELECT publication_id FROM publication_pointer"
    before = shop.chain.cluster.ask(pointer)
    log = shop.scene.folder / f"run-{stage}.log"

    def work() -> float:
        process = shop.scene.start(f"run-{stage}", [sys.executable, "-c", RUN], **shop.chain.environment)
        wait_until(
            f"the run is at {stage}",
            lambda: process.poll() is not None or f"\n{STAGES[stage]}" in log.read_text(),
            1500,
            0.02,
        )
        killed_at = time.time()
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        return killed_at

    shop.kill(
        till,
        f"a run, at {stage}",
        work,
        lambda: shop.chain.cluster.ask(pointer) == before,
        "what is served stays; the next run begins anew",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="ci", choices=("ci", "demo", "large"))
    parser.add_argument("--stages", default=",".join(STAGES), help="of a run that is killed; empty: none")
    given = parser.parse_args()
    with scene("kill-everything") as stage:
        drill(stage, given.profile, [each for each in given.stages.split(",") if each])
