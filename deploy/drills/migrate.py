#!/usr/bin/env python
"""Drill: the newest migration goes in and out again, with data, while the release before it serves a till.

The old release is the code of the commit before the newest migration, as git has it; the new one is this checkout.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import psutil
import psycopg
from scene import HERE, Scene, expect, free_ports, say, scene, wait_until
from world import Chain, answers, published_chain
from writing import Till, sign_in

from api.database import head_revision
from ims.bench.people import add_people

ROOT = HERE.parents[1]
VERSIONS = "api/migrations/versions"
TABLES = """
SELECT c.relname::text FROM pg_class AS c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND c.relname <> 'alembic_version' ORDER BY 1
"""
# what a working till and its session write meanwhile
MOVING = frozenset({"audit_log", "audit_chains", "idempotency_keys", "refresh_tokens", "user_sessions", "rate_limits"})


class Release:
    """Code at one place, and its commands."""

    def __init__(self, chain: Chain, folder: Path) -> None:
        self.chain, self.folder, self.path = chain, folder, {"PYTHONPATH": str(folder)}

    def python(self, code: str) -> str:
        """Some of its code."""
        found = self.chain.scene.run([sys.executable, "-c", code], **self.chain.environment, **self.path)
        return found.stdout.strip()

    def head(self) -> str:
        """Its newest migration."""
        return self.python("from api.database import head_revision; print(head_revision())")

    def serve(self, name: str, port: int) -> psutil.Popen:
        """Its API."""
        return self.chain.serve(name, "--role", "api", port=port, **self.path)

    def up(self) -> float:
        """The database to its schema; seconds."""
        began = time.monotonic()
        self.python("from api.database import open_databases; open_databases()")
        return time.monotonic() - began

    def down(self, revision: str) -> float:
        """The database to an earlier schema; seconds."""
        began = time.monotonic()
        self.python(
            "from alembic import command; from api.database import _config, open_databases;"
            f"command.downgrade(_config(open_databases().operational), {revision!r})"
        )
        return time.monotonic() - began


def code_before(folder: Path) -> str:
    """Write the code of before the newest migration there; the commit."""
    words = ["git", "-C", str(ROOT), "log", "--diff-filter=A", "-1", "--format=%h", "--", VERSIONS]
    commit = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip() + "^"
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", commit], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return commit


def drill(playing: Scene, profile: str) -> None:
    """All of it, in order."""
    chain = published_chain(playing, profile)
    chain.ims("publish", "show")  # brings a kept chain to this schema
    old = Release(chain, playing.folder_of("old-release"))
    say(f"the old release is the code of {code_before(old.folder)}")
    new = Release(chain, ROOT)
    before, after = old.head(), new.head()
    expect(before != after and after == head_revision(), f"the old release knows schema {before}, the new one {after}")
    took = new.down(before)
    expect(revision(chain) == before, f"with all its data the database goes down to {before}: {took:.1f} s")
    passwords, _ = add_people(chain.cluster.url())
    rows = counts(chain)
    old_port, new_port = free_ports(2)
    old.serve("old", old_port)
    address = f"http://127.0.0.1:{old_port}"
    token = sign_in(address, "bench-admin", passwords["bench-admin"])
    with Till(address, token, chain.cluster.url()) as till:
        time.sleep(3)
        rehearse(chain, old_port, new_port, old, new, till)
    now = counts(chain)
    differ = {name: (rows[name], now[name]) for name in rows if name in now and rows[name] != now[name]}
    orders = differ.pop("sales_orders", (0, 0))
    differ = {name: both for name, both in differ.items() if name not in MOVING | {"sales_order_lines"}}
    expect(orders[1] - orders[0] == len(till.kept), f"all {len(till.kept)} orders of meanwhile are there")
    expect(not differ, f"{len(now)} tables have the rows they had: {differ or 'none differs'}")
    chain.ims("invariants")
    chain.ims("audit", "verify")
    say("shown: invariants and audit chain are whole")
    expect(not till.refused, f"a till of the old release was never refused: it saw {till.seen(0)}")


def rehearse(chain: Chain, old_port: int, new_port: int, old: Release, new: Release, till: Till) -> None:
    """Up, both releases beside each other, down under the new one's feet, up again."""
    began = time.time()
    up = new.up()
    time.sleep(2)
    stood = till.longest_wait(began)
    expect(answers(f"http://127.0.0.1:{old_port}/ready"), "the old release says that it is ready on the new schema")
    new_serving = new.serve("new", new_port)
    wait_until("the new release is ready", lambda: answers(f"http://127.0.0.1:{new_port}/ready"), 30)
    chain.ims("smoke", f"http://127.0.0.1:{new_port}")
    say("shown: the new release is ready and well beside the old one")
    new_serving.terminate()
    new_serving.wait(60)
    again = old.serve("old-again", new_port)
    expect(answers(f"http://127.0.0.1:{new_port}/ready"), "the old release starts again on the new schema: a rollback")
    again.terminate()
    again.wait(60)
    began = time.time()
    down = new.down(old.head())
    time.sleep(2)
    stood_down = till.longest_wait(began)
    expect(answers(f"http://127.0.0.1:{old_port}/ready"), "the schema goes back as well, and the old release is ready")
    again_up = new.up()
    expect(revision(chain) == new.head(), "and in again")
    say(f"up {up:.1f} s and {again_up:.1f} s, down {down:.1f} s, Python's start in each")
    say(f"a till waited {max(stood, stood_down):.1f} s at most")
    say(f"migration, the slowest way: {max(up, down, again_up):.1f} s")


def revision(chain: Chain) -> str:
    """The schema that the database has."""
    return str(chain.cluster.ask("SELECT version_num FROM alembic_version")[0][0])


def counts(chain: Chain) -> dict[str, int]:
    """Rows of every table."""
    with psycopg.connect(chain.cluster.url()) as connection:
        names = [str(name) for (name,) in connection.execute(TABLES).fetchall()]
        return {name: int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in names}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="ci", choices=("ci", "demo", "large"))
    given = parser.parse_args()
    with scene("migrate") as stage:
        drill(stage, given.profile)
