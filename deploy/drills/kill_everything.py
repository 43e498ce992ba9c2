#!/usr/bin/env python
"""Drill: every part is killed in turn while a till works; what people see, what is lost, how long until all is well.

What a platform does (start again what has ended) is done here after a second by the drill. Writes docs/drills.md.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time

import psutil
import psycopg
from scene import Scene, expect, say, scene, wait_until
from shop import RESTART_SECONDS, Row, Shop
from table import write_table
from world import answers, published_chain
from writing import Till, sign_in

from ims.bench.people import add_people

RUN = (
    "from pipelines.run import run; from pipelines.rebuild import Rebuild;"
    "print(run(None, lambda *step: print(*step, flush=True), rebuild=Rebuild(True)).message, flush=True)"
)
STAGES = {"extract": "extract 9", "build": "build tables 11", "publish": "publish 0"}
DISK = "disk"
SPARE_BYTES = 2_000_000
MESSAGES = 200
STUCK_SECONDS = 15


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
            if stage == DISK:
                fill_disk(shop, till)
            else:
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


def fill_disk(shop: Shop, till: Till) -> None:
    """The lake's disk is full in the middle of a run; then there is room again."""
    chain, lake = shop.chain, shop.chain.home / "lake"
    kept = lake.with_name("lake.elsewhere")
    pointer = "SELECT publication_id FROM publication_pointer"
    before = chain.cluster.ask(pointer)

    def work() -> float:
        lake.rename(kept)
        lake.mkdir()
        size = sum(each.stat().st_size for each in kept.rglob("*") if each.is_file())
        # a file takes whole pages there
        room = size + 4096 * sum(1 for _ in kept.rglob("*")) + SPARE_BYTES
        shop.scene.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", lake])
        shop.scene.stack.callback(shop.scene.run, ["umount", "-l", lake], may_fail=True)
        shop.scene.run(["cp", "-a", f"{kept}/.", lake])
        said = chain.ims("run", "--full", may_fail=True).strip().splitlines()[-1]
        say(f"a run on a disk that fills up says: {said[:300]}")
        ended_at = time.time()
        shop.scene.run(["cp", "-a", f"{lake}/.", kept])  # what it wrote and the catalog names
        shop.scene.run(["umount", lake])
        lake.rmdir()
        kept.rename(lake)
        return ended_at

    shop.kill(
        till,
        "the lake's disk is full during a run",
        work,
        lambda: chain.cluster.ask(pointer) == before,
        "the run fails in a sentence; what is served stays, and the next run begins anew",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="ci", choices=("ci", "demo", "large"))
    parser.add_argument(
        "--stages", default=",".join((*STAGES, DISK)), help="of a run that is killed, and disk: full; empty: none"
    )
    given = parser.parse_args()
    with scene("kill-everything") as stage:
        drill(stage, given.profile, [each for each in given.stages.split(",") if each])
