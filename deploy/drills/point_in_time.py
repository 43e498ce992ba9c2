#!/usr/bin/env python
"""Drill: a chain is backed up, goes on working, a mistake is made, and all of it is brought back to before the mistake.

Then the machine is lost at an unlucky moment, and all is brought back to the last moment in the archive. Prints RTO and
RPO; damaged backups and folders that hold something are refused.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import secrets
import shutil
import sys
import time
from pathlib import Path

from scene import HERE, Scene, expect, free_ports, say, scene, wait_until
from world import USER, Chain, Cluster, published_chain
from writing import Till, sign_in

from ims.bench.people import add_people

MOST_LOST_SECONDS = 300
BACKUP = HERE.parent / "backup"
MISTAKE = "DELETE FROM stock_moves WHERE moved_on > (SELECT as_of - 60 FROM chain)"
# writes files of the lake that the full backup does not hold; a whole run would take minutes
EXTRACT = """
from api.database import open_databases
from ims.settings import get_settings
from pipelines.extract import extract
from warehouse.lake import connect
extract(connect(open_databases(), get_settings()), open_databases(), is_full=True)
"""
QUESTION = ["metrics", "query", "net_sales", "--by", "store", "--format", "csv"]


class Repository:
    """Both repositories and the scripts of deploy/backup, told where the drill's things are."""

    def __init__(self, playing: Scene, chain: Chain) -> None:
        self.scene, self.chain = playing, chain
        at = playing.folder_of("backup", USER)
        at.chmod(0o755)
        for each in ("repository", "log", "spool", "lock", "conf.d"):
            (at / each).mkdir()
            if USER is not None:
                shutil.chown(at / each, USER)
        self.folder = at / "repository"
        self.lake = playing.folder / "restic"
        (at / "conf.d" / "key.conf").write_text(f"[global]\nrepo1-cipher-pass={secrets.token_urlsafe(48)}\n")
        password = playing.folder / "restic_password"
        password.write_text(secrets.token_urlsafe(48))
        self.environment = {
            "PGBACKREST_CONFIG": str(BACKUP / "pgbackrest.conf"),
            "PGBACKREST_CONFIG_INCLUDE_PATH": str(at / "conf.d"),
            "PGBACKREST_REPO1_PATH": str(self.folder),
            "PGBACKREST_LOG_PATH": str(at / "log"),
            "PGBACKREST_SPOOL_PATH": str(at / "spool"),
            "PGBACKREST_LOCK_PATH": str(at / "lock"),
            "PGBACKREST_PG1_PATH": str(chain.cluster.data),
            "PGBACKREST_PG1_PORT": str(chain.cluster.port),
            "PGBACKREST_PG1_SOCKET_PATH": str(chain.cluster.socket),
            "IMS_HOME": str(chain.home),
            "RESTIC_REPOSITORY": str(self.lake),
            "RESTIC_PASSWORD_FILE": str(password),
            "RESTIC_CACHE_DIR": str(playing.folder / "restic-cache"),
            "IMS_BACKUP_FIGURES": str(playing.folder),
        }
        playing.environment.update(self.environment)  # the archive command runs in the server's own environment

    def do(self, script: str, *words: str, may_fail: bool = False) -> tuple[int, str]:
        """A script of deploy/backup; its exit code and words."""
        found = self.scene.run([BACKUP / script, *words], may_fail=may_fail)
        return found.returncode, found.stdout + found.stderr


def drill(playing: Scene, profile: str, seconds: float) -> None:
    """All of it, in order."""
    chain = published_chain(playing, profile)
    cluster, repository = chain.cluster, Repository(playing, chain)
    cluster.stop()
    cluster.configure((BACKUP / "archive.conf").read_text())
    cluster.start()
    playing.run(["pgbackrest", "--stanza=ims", "stanza-create"], user=USER)
    playing.run(["pgbackrest", "--stanza=ims", "check"], user=USER)
    began = time.monotonic()
    repository.do("backup.sh")
    say(f"a full backup of database and lake took {time.monotonic() - began:.1f} s")
    names = [str(each) for each in repository.folder.rglob("*") if each.is_file()]
    expect(not any(b"net_sales" in Path(each).read_bytes() for each in names), "no file of the backup can be read")

    (port,) = free_ports(1)
    serving = chain.serve("api", "--role", "api", port=port)
    passwords, _ = add_people(cluster.url())
    address = f"http://127.0.0.1:{port}"
    token = sign_in(address, "bench-admin", passwords["bench-admin"])
    with Till(address, token, cluster.url(), pause=0.2) as till:
        playing.run([sys.executable, "-c", EXTRACT], **chain.environment)
        repository.do("copy-lake.sh")
        figures = chain.ims(*QUESTION)
        say(f"work goes on for {seconds:g} s before somebody makes a mistake")
        moment = dt.datetime.now(dt.UTC)
        wait_until("time passes", lambda: (dt.datetime.now(dt.UTC) - moment).total_seconds() >= seconds, seconds + 60)
        make_mistake(cluster)
        time.sleep(2)
    serving.terminate()
    serving.wait(60)
    expect(
        "BROKEN" in chain.ims("invariants", may_fail=True), "the mistake is one: the ledger does not add up any more"
    )
    cluster.ask("SELECT pg_switch_wal()")
    wait_until("the log is archived", lambda: archived(cluster), 90)

    refuses_what_is_not_empty(repository)
    cluster.stop()
    forget_machine(chain)
    took = bring_back(chain, repository, f"{moment.isoformat(sep=' ')}")
    before = [each.order_id for each in till.kept if each.told_at <= moment.timestamp()]
    after = [each.order_id for each in till.kept if each.asked_at > moment.timestamp()]
    there = {row[0] for row in cluster.ask("SELECT sales_order_id FROM sales_orders")}
    expect(
        set(before) <= there and len(before) > 5, f"all {len(before)} orders acknowledged before the moment are there"
    )
    expect(not there & set(after) and len(after) > 5, f"none of the {len(after)} orders of after it is")
    expect(chain.ims(*QUESTION) == figures, "a question of the dashboards has the answer that it had")
    say(f"RTO of a point in time: {took:.1f} s (profile {profile}, {size_of(chain):,.0f} MB of database and lake)")
    say(f"RPO of a point in time: {0.0 if set(before) <= there else seconds:.1f} s")

    lose_machine(chain, repository, passwords["bench-admin"], port)
    refuses_damage(chain, repository)


def make_mistake(cluster: Cluster) -> None:
    """As somebody would who is sure of it: past every guard."""
    import psycopg

    with psycopg.connect(cluster.url()) as connection:
        connection.execute("SET session_replication_role = replica")
        gone = connection.execute(MISTAKE).rowcount
    say(f"the mistake: {MISTAKE}: {gone:,} rows")


def archived(cluster: Cluster) -> bool:
    """Whether every finished segment of the log has gone out."""
    waiting = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
    return bool(cluster.ask(waiting) == [(0,)])


def forget_machine(chain: Chain) -> None:
    """The disk is gone: an empty machine takes its place."""
    shutil.rmtree(chain.cluster.data)
    shutil.rmtree(chain.home)
    chain.home.mkdir()
    chain.scene.folder_of(chain.cluster.data.name, USER)


def bring_back(chain: Chain, repository: Repository, *moment: str) -> float:
    """Restore, start, verify, serve; how many seconds until all of it was done."""
    began = time.monotonic()
    repository.do("restore.sh", *moment)
    chain.cluster.start(600)
    wait_until("it takes writes", lambda: chain.cluster.ask("SELECT pg_is_in_recovery()") == [(False,)], 600)
    lake = chain.ims("lake", "verify").strip()
    say(f"shown: the lake is whole: {lake}")
    chain.ims("invariants")
    say("shown: every invariant of stock, transfers and orders holds")
    chain.ims("audit", "verify")
    say("shown: the audit chain is whole")
    chain.ims("checks")
    (port,) = free_ports(1)
    serving = chain.serve("restored", port=port, path="/ready")
    chain.ims("smoke", f"http://127.0.0.1:{port}")
    say("shown: it serves, and `ims smoke` finds it well")
    took = time.monotonic() - began
    serving.terminate()
    serving.wait(60)
    return took


def lose_machine(chain: Chain, repository: Repository, password: str, port: int) -> None:
    """The machine is lost while work goes on; what was acknowledged and is not in the archive is lost with it."""
    cluster = chain.cluster
    repository.do("backup.sh")  # the timeline is a new one
    serving = chain.serve("api-again", "--role", "api", port=port)
    token = sign_in(f"http://127.0.0.1:{port}", "bench-admin", password)
    with Till(f"http://127.0.0.1:{port}", token, cluster.url(), pause=0.2) as till:
        time.sleep(75)  # more than archive_timeout: the log goes out by the clock, not because somebody asks
        cluster.kill()
        lost_at = time.time()
    serving.kill()
    serving.wait(60)
    forget_machine(chain)
    took = bring_back(chain, repository)
    gone = set(till.lost())
    kept = [each.told_at for each in till.kept if each.order_id not in gone]
    say(f"the machine is lost at work: {len(till.kept)} orders acknowledged, the last {len(gone)} are gone")
    expect(bool(kept), "what was archived by the clock alone came back")
    say(f"RTO of a lost machine: {took:.1f} s")
    say(f"RPO of a lost machine: {lost_at - max(kept):.1f} s")
    expect(lost_at - max(kept) <= MOST_LOST_SECONDS, f"no more than {MOST_LOST_SECONDS} s of work is lost")


def refuses_what_is_not_empty(repository: Repository) -> None:
    """A restore over something that lives."""
    code, words = repository.do("restore.sh", may_fail=True)
    expect(code != 0 and "not empty" in words, f"a restore over a lake that lives is refused: {words.strip()[:120]}")
    home = repository.scene.folder / "elsewhere"
    home.mkdir()
    repository.scene.environment["IMS_HOME"] = str(home)
    code, words = repository.do("restore.sh", may_fail=True)
    repository.scene.environment["IMS_HOME"] = repository.environment["IMS_HOME"]
    expect(code != 0, f"a restore over a database that lives is refused: {words.strip().splitlines()[-1][:150]}")
    shutil.rmtree(home)


def refuses_damage(chain: Chain, repository: Repository) -> None:
    """One byte of the database's backup, then one of the lake's copy."""
    repository.do("verify.sh")
    say("shown: an undamaged backup is verified, every byte")
    chain.cluster.stop()
    newest = (repository.folder / "backup" / "ims" / "latest").resolve()
    places = {
        "the database's backup": largest(newest, "*.zst"),
        "the lake's copy": largest(repository.lake / "data", "*"),
    }
    for what, path in places.items():
        whole = path.read_bytes()
        path.chmod(0o644)
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        path.write_bytes(flipped)
        code, words = repository.do("verify.sh", may_fail=True)
        expect(code != 0, f"a flipped byte in {what} is found by verify: {words.strip().splitlines()[-1][:150]}")
        forget_machine(chain)
        code, words = repository.do("restore.sh", may_fail=True)
        expect(code != 0, f"a flipped byte in {what} is refused by restore: {reason(words)}")
        path.write_bytes(whole)


def largest(folder: Path, pattern: str) -> Path:
    """The largest file below a folder."""
    return max((each for each in folder.rglob(pattern) if each.is_file()), key=lambda each: each.stat().st_size)


def reason(words: str) -> str:
    """The line that says why."""
    lines = words.strip().splitlines()
    return next((line.strip() for line in lines if "checksum" in line or "ciphertext" in line), lines[-1])[:150]


def size_of(chain: Chain) -> float:
    """Megabytes of database and lake."""
    folders = (chain.cluster.data, chain.home)
    files = (Path(at) / name for folder in folders for at, _, names in os.walk(folder) for name in names)
    return sum(each.stat().st_size for each in files if each.exists()) / 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="ci", choices=("ci", "demo", "large"))
    parser.add_argument("--seconds", type=float, default=90, help="how long before the mistake (default 90)")
    given = parser.parse_args()
    with scene("point-in-time") as stage:
        drill(stage, given.profile, given.seconds)
