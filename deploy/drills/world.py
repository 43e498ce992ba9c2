"""What drills are played with: PostgreSQL of Debian's packages as a user of its own, and a published chain on it."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import psycopg
from scene import DrillFailed, Scene, Word, free_ports, say, wait_until

BIN = Path(os.environ.get("IMS_DRILLS_POSTGRES", "/usr/lib/postgresql/15/bin"))
USER = "postgres" if os.geteuid() == 0 else None
CONFIGURATION = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = '{socket}'
max_connections = 150
shared_buffers = 128MB
"""
KEPT = "IMS_DRILLS_WORLD"


class Cluster:
    """One server of PostgreSQL: its data folder, its port, and how to start, stop and kill it."""

    def __init__(self, scene: Scene, data: Path, port: int, host: str = "127.0.0.1", within: tuple[Word, ...] = ()):
        self.scene, self.data, self.port, self.host, self.within = scene, data, port, host, within

    def create(self, settings: str = "") -> None:
        """An empty cluster with these settings, as text of postgresql.conf."""
        self.scene.run(
            [BIN / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
            user=USER,
        )
        self.configure(settings)

    def configure(self, settings: str = "") -> None:
        """Write where this cluster listens, and these settings, in place of what was written so before."""
        if not self.socket.exists():
            self.scene.folder_of(self.socket.name, USER)
        text = CONFIGURATION.format(host=self.host, port=self.port, socket=self.socket) + settings
        path = self.data / "drill.conf"
        path.write_text(text)
        if USER is not None:
            shutil.chown(path, USER)
        main = self.data / "postgresql.conf"
        if "include 'drill.conf'" not in main.read_text():
            with main.open("a") as file:
                file.write("\ninclude 'drill.conf'\n")

    def start(self, seconds: float = 120) -> None:
        """Start, and wait until it answers. Raises DrillFailed with the server's last words."""
        try:
            self._control("start", "-l", str(self.data / "log"), "-t", f"{seconds:.0f}")
        except DrillFailed as failure:
            raise DrillFailed(f"{failure}\n{(self.data / 'log').read_text()[-1500:]}") from None

    def stop(self, mode: str = "fast") -> None:
        """Stop it: fast, or immediate."""
        self._control("stop", "-m", mode)

    def kill(self) -> None:
        """As when the machine loses its power: every process of it at once."""
        postmaster = psutil.Process(self.pid)
        family = [*postmaster.children(), postmaster]
        for each in family:
            each.suspend()
        for each in family:
            each.kill()
        psutil.wait_procs(family, timeout=10)

    def promote(self) -> None:
        """A standby becomes the primary."""
        self._control("promote")

    @property
    def socket(self) -> Path:
        """Where its socket lies: not among its data, which are copied."""
        return self.data.with_name(f"{self.data.name}.run")

    @property
    def pid(self) -> int:
        """Of the postmaster."""
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def url(self, database: str = "ims", user: str = "postgres", password: str = "") -> str:
        """The address of a database on it."""
        who = f"{user}:{quote(password)}" if password else user
        return f"postgresql://{who}@{self.host}:{self.port}/{database}"

    def ask(self, statement: str, database: str = "ims") -> list[tuple[Any, ...]]:
        """A statement as superuser, committed; its rows."""
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=5) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def _control(self, *words: Word) -> None:
        self.scene.run([*self.within, *self._as_owner(), BIN / "pg_ctl", "-D", self.data, "-w", *words])

    @staticmethod
    def _as_owner() -> list[Word]:
        return ["runuser", "-u", USER, "--"] if USER is not None else []


@dataclass
class Chain:
    """An installation of IMS on a cluster, published."""

    scene: Scene
    cluster: Cluster
    home: Path
    secrets: Path | None = None  # a folder that says where the database is
    database: str = "ims"

    @property
    def url(self) -> str:
        """Of its operational database, as superuser."""
        return self.cluster.url(self.database)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """A statement on that."""
        return self.cluster.ask(statement, self.database)

    @property
    def environment(self) -> dict[str, str]:
        """What its processes are told."""
        where = {"IMS_SECRETS_DIR": str(self.secrets)} if self.secrets else {"IMS_DATABASE_URL": self.url}
        return {
            **where,
            "IMS_HOME": str(self.home),
            "IMS_ACCESS_TOKEN_MINUTES": "480",  # no drill is about tokens that run out
        }

    def ims(self, *words: str, may_fail: bool = False, **variables: str) -> str:
        """A command of ims to its end; what it printed."""
        command = [sys.executable, "-m", "ims.cli", *words]
        found = self.scene.run(command, may_fail=may_fail, **{**self.environment, **variables})
        return found.stdout + found.stderr

    def serve(self, name: str, *words: str, port: int, path: str = "/health", **variables: str) -> psutil.Popen:
        """`ims serve …` until the scene ends, from the moment it answers there."""
        command = [sys.executable, "-m", "ims.cli", "serve", "--port", str(port), *words]
        process = self.scene.start(name, command, **{**self.environment, **variables})
        wait_until(
            f"{name} serves; {self.scene.folder / name}.log",
            lambda: process.poll() is not None or answers(f"http://127.0.0.1:{port}{path}"),
            120,
        )
        if process.poll() is not None:
            raise SystemExit(f"{name} ended: {self.scene.log(name)}")
        return process


def answers(url: str, seconds: float = 2) -> bool:
    """Whether this address says 200."""
    try:
        return httpx.get(url, timeout=seconds, verify=False).status_code == 200
    except httpx.HTTPError:
        return False


def published_chain(scene: Scene, profile: str = "ci", settings: str = "") -> Chain:
    """A demo chain of that size, loaded, run and published on a new cluster.

    With IMS_DRILLS_WORLD, a folder, it is made there once a day, and each drill plays with a copy.
    """
    from ims.demo.generate import write_chain

    began = time.monotonic()
    (port,) = free_ports(1)
    cluster = Cluster(scene, scene.folder / "pg", port)
    chain = Chain(scene, cluster, scene.folder / "home")
    today = dt.datetime.now(dt.UTC).date()
    kept = Path(os.environ[KEPT]) / f"{profile}-{today}" if KEPT in os.environ else None
    if kept is not None and (kept / "pg").exists():
        scene.run(["cp", "-a", kept / "pg", kept / "home", scene.folder])
        cluster.configure(settings)
        cluster.start()
        chain.ims("lake", "moved")
    else:
        scene.folder_of("pg", USER)
        cluster.create(settings)
        cluster.start()
        folder = scene.folder / "chain"
        # as of today: figures of three days ago are nothing that `ims smoke` calls well
        write_chain(folder, profile=profile, as_of=today, progress=lambda *_: None)
        chain.ims("import", str(folder))
        chain.ims("run")
        if kept is not None:
            cluster.stop()
            kept.mkdir(parents=True)
            scene.run(["cp", "-a", cluster.data, chain.home, kept])
            cluster.start()
    say(f"a published chain of profile {profile} stands after {time.monotonic() - began:.0f} s")
    return chain
