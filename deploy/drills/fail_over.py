#!/usr/bin/env python
"""Drill: two hosts in two network namespaces, a streaming replica, fail-over and back, while a till works.

The replica acknowledges each commit (synchronous), so nothing acknowledged is lost; the extract reads from it, waits
for it, and refuses it where it stays behind. Where namespaces are not to be had (`ip netns add` takes root), or with
--loopback, the hosts are two addresses of this machine, and only their power is cut.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import httpx
from scene import Scene, expect, free_ports, namespace_prefix, say, scene, wait_until
from world import BIN, USER, Chain, Cluster, published_chain
from writing import Till, sign_in

from ims.bench.people import add_people
from ims.smoke import read_samples

NETWORK = "10.99.{}.{}"
TRUST = "host all all {0} trust\nhost replication all {0} trust\n"
# a standby tells what its queries read, so that the primary keeps it; the log stays until a standby has it
SETTINGS = """
wal_level = replica
hot_standby_feedback = on
wal_keep_size = 1GB
wal_log_hints = on
max_standby_streaming_delay = 300s
"""
SYNCHRONOUS = "synchronous_standby_names = 'FIRST 1 (standby)'\n"


class Hosts:
    """Two namespaces on one bridge, or two addresses; IMS stands outside and reaches both."""

    def __init__(self, playing: Scene, is_apart: bool) -> None:
        self.scene, self.prefix, self.is_apart = playing, namespace_prefix(playing.folder), is_apart
        self.bridge = f"br{self.prefix[5:]}"[:15]
        octet = 1 + sum(map(ord, self.prefix)) % 250
        self.subnet = NETWORK.format(octet, "0") + "/24"
        self.outside, *self.addresses = (NETWORK.format(octet, n) for n in (1, 2, 3))

    def make(self) -> None:
        """Bridge, namespaces, a cable to each; what they are is said."""
        if self.is_apart:
            self.is_apart = self.scene.run(["ip", "netns", "add", self.name(0)], may_fail=True).returncode == 0
        if not self.is_apart:
            self.subnet, self.addresses = "127.0.0.0/8", ["127.0.0.2", "127.0.0.3"]
            say(f"two hosts: addresses of this machine, not namespaces: {' and '.join(self.addresses)}")
            return
        self.scene.run(["ip", "netns", "delete", self.name(0)])
        say(f"two hosts: namespaces {self.name(0)} and {self.name(1)}, {' and '.join(self.addresses)}")
        self._ip("link", "add", self.bridge, "type", "bridge")
        self.scene.stack.callback(self.scene.run, ["ip", "link", "delete", self.bridge], may_fail=True)
        self._ip("addr", "add", f"{self.outside}/24", "dev", self.bridge)
        self._ip("link", "set", self.bridge, "up")
        for number, address in enumerate(self.addresses):
            name, here, there = self.name(number), f"v{self.prefix[5:]}{number}"[:15], "eth0"
            self._ip("netns", "add", name)
            self._ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
            self._ip("link", "set", here, "master", self.bridge, "up")
            self._ip("-n", name, "addr", "add", f"{address}/24", "dev", there)
            for link in ("lo", there):
                self._ip("-n", name, "link", "set", link, "up")

    def name(self, number: int) -> str:
        """Of a namespace."""
        return f"{self.prefix}{number}"

    def within(self, number: int) -> tuple[str, ...]:
        """What a command begins with to run there."""
        return ("ip", "netns", "exec", self.name(number)) if self.is_apart else ()

    def cut(self, number: int) -> None:
        """Pull its cable."""
        self._set_cable(number, "down")

    def mend(self, number: int) -> None:
        """Plug it in again."""
        self._set_cable(number, "up")

    def _set_cable(self, number: int, state: str) -> None:
        if self.is_apart:
            self._ip("link", "set", f"v{self.prefix[5:]}{number}"[:15], state)

    def _ip(self, *words: str) -> None:
        self.scene.run(["ip", *words])


def drill(playing: Scene, profile: str, is_apart: bool) -> None:
    """All of it, in order."""
    chain = published_chain(playing, profile)
    hosts = Hosts(playing, is_apart)
    hosts.make()
    chain.cluster.stop()
    first, second = (
        Cluster(playing, playing.folder / name, 5432, address, hosts.within(number))
        for number, (name, address) in enumerate(zip(("pg", "pg-second"), hosts.addresses, strict=True))
    )
    chain.cluster = first
    first.configure(SETTINGS)
    with (first.data / "pg_hba.conf").open("a") as file:
        file.write(TRUST.format(hosts.subnet))
    first.start()
    follow(second, first)
    first.configure(SETTINGS + SYNCHRONOUS)
    first.ask("SELECT pg_reload_conf()")
    wait_until("the standby is synchronous", lambda: is_followed(first), 60)
    passwords, _ = add_people(first.url())
    read_from_standby(chain, second, hosts)

    over, lost = fail_over(chain, hosts, first, second, 0, passwords["bench-admin"])
    back_from = time.monotonic()
    hosts.mend(0)
    return_as_standby(first, second)
    say(f"the lost host is a standby again {time.monotonic() - back_from:.1f} s after it came back")
    back, lost_again = fail_over(chain, hosts, second, first, 1, passwords["bench-admin"])
    chain.cluster = first
    chain.ims("invariants")
    chain.ims("audit", "verify")
    chain.ims("lake", "verify")
    say("shown: invariants, audit chain and lake are whole after fail-over and back")
    say(f"RTO of a fail-over: {max(over, back):.1f} s (over {over:.1f}, back {back:.1f})")
    say(
        f"RPO of a fail-over: {0.0 if not lost + lost_again else 1.0:.1f} s, acknowledged and lost: {lost + lost_again}"
    )
    expect(lost + lost_again == 0, "nothing acknowledged is lost")


def follow(standby: Cluster, primary: Cluster) -> None:
    """A new standby of the primary."""
    standby.scene.folder_of(standby.data.name, USER)
    address = f"host={primary.host} port={primary.port} user=postgres application_name=standby"
    command = [
        *standby.within,
        BIN / "pg_basebackup",
        "-D",
        standby.data,
        "-d",
        address,
        "-R",
        "-X",
        "stream",
        "-c",
        "fast",
    ]
    standby.scene.run(as_owner_within(command, len(standby.within)))
    standby.configure(SETTINGS)
    standby.start()


def as_owner_within(command: list[str | Path], count: int) -> list[str | Path]:
    """The command inside its namespace as the user of PostgreSQL: entering it takes root."""
    owner = ["runuser", "-u", USER, "--"] if USER else []
    return [*command[:count], *owner, *command[count:]]


def is_followed(primary: Cluster) -> bool:
    """Whether a standby acknowledges its commits."""
    return primary.ask("SELECT sync_state FROM pg_stat_replication") == [("sync",)]


def read_from_standby(chain: Chain, standby: Cluster, hosts: Hosts) -> None:
    """The extract, and the lag as a figure."""
    code = (
        "from api.database import open_databases; from ims.settings import get_settings;"
        "from pipelines.extract import extract; from warehouse.lake import connect;"
        "print(extract(connect(open_databases(), get_settings()), open_databases(), is_full=True).rows_read)"
    )
    replica = {"IMS_REPLICA_URL": standby.url(), "IMS_REPLICA_WAIT_SECONDS": "5"}
    scanned = (
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables WHERE relname = 'products'"
    )
    before = chain.cluster.ask(scanned), standby.ask(scanned)
    found = chain.scene.run([sys.executable, "-c", code], **chain.environment, **replica).stdout.strip()
    wait_until("the standby counts what was read", lambda: standby.ask(scanned) != before[1], 30)
    expect(
        chain.cluster.ask(scanned) == before[0], f"the extract read {found} rows of the standby, none of the primary"
    )
    (port,) = free_ports(1)
    serving = chain.serve("api", "--role", "api", port=port, **replica)
    standby.ask("SELECT pg_wal_replay_pause()")
    chain.cluster.ask("SET synchronous_commit = local; UPDATE chain SET as_of = as_of")
    time.sleep(2)
    wait_until("the lag is a figure", lambda: lag_of(port) > 1, 30, 1)
    say(f"shown: /metrics says that the standby is {lag_of(port):.1f} s behind")
    late = chain.scene.run([sys.executable, "-c", code], may_fail=True, **chain.environment, **replica)
    said = late.stderr.strip().splitlines()[-1]
    expect("did not catch up" in said, f"a standby that stays behind is refused: {said[:160]}")
    standby.ask("SELECT pg_wal_replay_resume()")
    wait_until("it is no longer behind", lambda: lag_of(port) == 0, 30, 1)
    serving.terminate()
    serving.wait(60)


def lag_of(port: int) -> float:
    """The figure, as monitoring reads it."""
    return read_samples(httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text)["ims_replica_lag_seconds"]


def fail_over(
    chain: Chain, hosts: Hosts, primary: Cluster, standby: Cluster, lost_host: int, password: str
) -> tuple[float, int]:
    """The primary's host loses cable and power; seconds until orders are taken again, and how many were lost."""
    (port,) = free_ports(1)
    # libpq asks one after the other and stays with the one that takes writes: nothing of IMS is told of a fail-over
    both = f"{primary.host}:{primary.port},{standby.host}:{standby.port}"
    url = f"postgresql://postgres@{both}/ims?target_session_attrs=read-write&connect_timeout=2"
    serving = chain.serve("api", "--role", "api", port=port, IMS_DATABASE_URL=url)
    token = sign_in(f"http://127.0.0.1:{port}", "bench-admin", password)
    with Till(f"http://127.0.0.1:{port}", token, primary.url()) as till:
        time.sleep(5)
        began = time.time()
        hosts.cut(lost_host)
        primary.kill()
        say(f"host {lost_host} is gone: no cable, no power")
        standby.promote()
        wait_until("orders are taken again", lambda: bool(till.kept) and till.kept[-1].asked_at > began, 120)
        time.sleep(5)
    till.url = standby.url()
    stood = till.longest_wait(began, till.kept[-1].told_at)
    lost = till.lost()
    say(f"a till saw {till.seen(began)}, stood {stood:.1f} s; {len(till.kept)} orders acknowledged, {len(lost)} lost")
    serving.terminate()
    serving.wait(60)
    return stood, len(lost)


def return_as_standby(lost: Cluster, primary: Cluster) -> None:
    """The host that was lost follows the new primary: what it wrote and nobody saw is rewound."""
    address = f"host={primary.host} port={primary.port} user=postgres dbname=postgres application_name=standby"
    (lost.data / "postmaster.pid").unlink(missing_ok=True)
    primary.ask("CHECKPOINT")
    command = [*lost.within, BIN / "pg_rewind", "-D", lost.data, "--source-server", address, "-R"]
    lost.scene.run(as_owner_within(command, len(lost.within)))
    lost.configure(SETTINGS)
    lost.start()
    primary.configure(SETTINGS + SYNCHRONOUS)
    primary.ask("SELECT pg_reload_conf()")
    wait_until("the standby is synchronous", lambda: is_followed(primary), 60)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="ci", choices=("ci", "demo", "large"))
    parser.add_argument("--loopback", action="store_true", help="two addresses in place of two namespaces")
    given = parser.parse_args()
    with scene("fail-over") as stage:
        drill(stage, given.profile, not given.loopback)
