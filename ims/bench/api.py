"""`ims bench api`: a small chain, the web app as a process, the mixed load at each number of connections, its limit."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from ims.bench.installation import Installation, Server, serving, temporary_installation
from ims.bench.mix import KINDS, pools
from ims.bench.people import add_people
from ims.bench.pgbench import Limit, run_pgbench
from ims.bench.plan import Plan, journeys
from ims.bench.process import idle_server, postgres_family, processor_seconds, run_load
from ims.bench.recording import record
from ims.bench.report import Measured, Usage
from ims.bench.sampling import BEGIN
from ims.bench.statements import Script, Writer
from ims.bench.world import SMALL, Progress, Size, World, build
from ims.failure import Failure
from ims.machine import circumstances

MOST_SCRIPTS = 120  # pgbench takes 128
WARM_UP_SECONDS = 5.0
HOLD_INTERVAL_SECONDS = 30.0
SAMPLES = 12  # of each journey: what a statement was given and pgbench cannot draw differs among them
ROLE = "ims_app"


@dataclass(frozen=True)
class Wanted:
    """What to measure."""

    seconds: float = 20.0
    connections: Sequence[int] = (1, 32, 256)
    hold: int = 10_000
    rate: float = 2_000.0
    workers: int | None = None
    profile: bool = False
    limit: bool = True
    size: Size = SMALL


def bench_api(wanted: Wanted, progress: Progress) -> dict[str, Any]:
    """Measure; everything that `report` prints, as data."""
    found: dict[str, Any] = {"loads": [], "client_ceiling_per_second": None, "profile": None}
    with temporary_installation() as installation, ExitStack() as stack:
        found |= circumstances(installation.databases.operational)
        world = build(installation.databases.operational, wanted.size, progress)
        passwords, stores = add_people(installation.databases.operational)
        drawn = pools(installation.databases.operational, world, stores)
        start = stack.enter_context(_copy(installation.databases.operational))
        scripts = _record(installation, start, passwords, drawn, world, progress) if wanted.limit else []
        found["client_ceiling_per_second"] = _ceiling(drawn, min(wanted.seconds, 3.0))
        profile = installation.home / "profile.json" if wanted.profile else None
        with serving(installation, workers=wanted.workers, profile=profile) as server:
            tokens = server.tokens(passwords)
            bench = _Bench(installation, start, server, tokens, drawn, wanted, progress)
            bench.load("warm-up", 16, min(WARM_UP_SECONDS, wanted.seconds))
            if profile:
                server.process.send_signal(BEGIN)
            for connections in wanted.connections:
                limit = bench.limit(scripts, connections) if scripts else None
                found["loads"].append(bench.load("closed loop", connections, wanted.seconds, limit).to_data())
            if wanted.rate:
                most = max(wanted.connections)
                found["loads"].append(bench.load("open loop", most, wanted.seconds, rate=wanted.rate).to_data())
            if wanted.hold:
                found["hold"] = bench.hold()
        if profile:
            found["profile"] = json.loads(profile.read_text())
        progress("ledger and audit trail", 0, None)
        found["sound"] = {name: _sound(installation, name) for name in ("invariants", "audit verify")}
    return found


class _Bench:
    """One server under load."""

    def __init__(
        self,
        installation: Installation,
        start: str,
        server: Server,
        tokens: dict[str, str],
        drawn: dict[str, list[Any]],
        wanted: Wanted,
        progress: Progress,
    ) -> None:
        self._installation, self._start, self._server, self._tokens = installation, start, server, tokens
        self._drawn, self._wanted, self._progress = drawn, wanted, progress
        self._loads = 0

    def load(self, name: str, connections: int, seconds: float, limit: Limit | None = None, **how: float) -> Measured:
        """Put the mix on the server."""
        self._progress(f"{name}, {connections} connections", 0, None)
        self._loads += 1
        plan = Plan(
            "127.0.0.1",
            self._server.port,
            KINDS,
            self._drawn,
            self._tokens,
            connections,
            seconds,
            seed=self._loads,
            **how,
        )
        home = self._installation.home
        before = processor_seconds(self._server.family()), processor_seconds(postgres_family(home))
        outcome = run_load(plan)
        web = processor_seconds(self._server.family()) - before[0]
        postgres = processor_seconds(postgres_family(home)) - before[1]
        lasted = outcome.seconds or 1.0
        return Measured(
            name,
            connections,
            outcome,
            Usage(web / lasted, postgres / lasted, outcome.client_cpu_seconds / lasted),
            limit,
        )

    def limit(self, scripts: Sequence[Script], connections: int) -> Limit:
        """What the database does by itself, on a fresh copy."""
        self._progress(f"pgbench, {connections} clients", 0, None)
        with _copy(self._start) as url:
            return run_pgbench(url, scripts, connections, self._wanted.seconds, ROLE)

    def hold(self) -> dict[str, Any]:
        """Hold connections that ask seldom; what each costs the server in memory."""
        before, most, is_over = self._server.memory(), [0], threading.Event()

        def watch() -> None:
            while not is_over.wait(1.0):
                most[0] = max(most[0], self._server.memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            seconds = HOLD_INTERVAL_SECONDS * 1.5
            measured = self.load("hold", self._wanted.hold, seconds, interval=HOLD_INTERVAL_SECONDS)
        finally:
            is_over.set()
            watcher.join()
        held = measured.outcome.held
        return measured.to_data() | {
            "held": held,
            "server_bytes": most[0],
            "bytes_per_connection": round((most[0] - before) / max(held, 1)),
        }


def _record(
    installation: Installation,
    start: str,
    passwords: dict[str, str],
    drawn: dict[str, list[Any]],
    world: World,
    progress: Progress,
) -> list[Script]:
    """The load's statements as pgbench scripts, recorded on a copy of the database."""
    progress("recording statements", 0, None)
    every = journeys(KINDS)
    with _copy(start) as url:
        databases = replace(installation.databases, operational=url)
        with serving(installation, database_url=url) as server:
            tokens = server.tokens(passwords)
        recorded = asyncio.run(record(databases, tokens, every, drawn, min(SAMPLES, MOST_SCRIPTS // len(every))))
        with psycopg.connect(url) as connection:
            return [
                Writer(world.ranges, connection).write(journey.kinds[0].name, journey.weight, steps)
                for journey, steps in recorded
            ]


@contextmanager
def _copy(url: str) -> Iterator[str]:
    """The address of a copy of a database that nobody is connected to; dropped afterwards."""
    name = f"bench_{uuid.uuid4().hex[:8]}"
    parts = urlsplit(url)
    source, copy = sql.Identifier(parts.path.lstrip("/")), sql.Identifier(name)
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(copy, source))
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(copy))


def _ceiling(drawn: dict[str, list[Any]], seconds: float) -> float:
    """What the client can do at most."""
    tokens = {user: "x" * 400 for kind in KINDS for user in kind.users}
    with idle_server() as port:
        outcome = run_load(
            Plan("127.0.0.1", port, [kind for kind in KINDS if not kind.takes], drawn, tokens, 32, seconds)
        )
    return round(outcome.requests / outcome.seconds)


def _sound(installation: Installation, command: str) -> bool:
    """Whether a check of `ims` finds nothing wrong; raises Failure with what it found."""
    arguments = [sys.executable, "-m", "ims.cli", *command.split()]
    found = subprocess.run(arguments, env=dict(installation.environment), capture_output=True, text=True)
    if found.returncode != 0:
        raise Failure(f"After the load `ims {command}` found: {(found.stdout + found.stderr)[-800:]}")
    return True
