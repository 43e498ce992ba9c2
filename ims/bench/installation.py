"""A temporary installation to measure: a fresh IMS_HOME with its own PostgreSQL, and `ims serve` as a process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from ims.failure import Failure
from ims.postgres import Databases, connect_databases, stop_server
from ims.settings import Settings, get_settings

OWN = {"IMS_DATABASE_URL", "IMS_LAKE_DATABASE_URL", "IMS_DAGSTER_DATABASE_URL", "IMS_LAKE_PATH"}
START_SECONDS = 60.0


@dataclass(frozen=True)
class Installation:
    """A home, its databases, and the environment of processes that belong to it."""

    home: Path
    databases: Databases
    environment: Mapping[str, str]


@contextmanager
def temporary_installation() -> Iterator[Installation]:
    """An installation that is stopped and removed at the end; this process's own settings are those of it meanwhile."""
    from api.database import migrate

    kept = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="ims-bench-") as scratch:
        home = Path(scratch) / "home"
        for name in OWN:
            os.environ.pop(name, None)
        os.environ["IMS_HOME"] = str(home)
        get_settings.cache_clear()
        settings: Settings = get_settings()
        try:
            databases = connect_databases(settings)
            migrate(databases.operational)
            yield Installation(home, databases, dict(os.environ))
        finally:
            stop_server(settings)
            os.environ.clear()
            os.environ.update(kept)
            get_settings.cache_clear()


@dataclass
class Server:
    """A web app that is up."""

    port: int
    process: psutil.Process

    def tokens(self, passwords: Mapping[str, str]) -> dict[str, str]:
        """Access tokens of these users, by the way every program gets its own."""
        return {name: self._token(name, password) for name, password in passwords.items()}

    def _token(self, username: str, password: str) -> str:
        address = f"http://127.0.0.1:{self.port}/api/v1/tokens"
        answer = httpx.post(address, json={"username": username, "password": password}, timeout=30)
        if answer.status_code != 201:
            raise Failure(f"{username} could not sign in: {answer.status_code} {answer.text[:300]}")
        return str(answer.json()["access_token"])

    def family(self) -> list[psutil.Process]:
        """The process and its workers."""
        return [self.process, *self.process.children(recursive=True)]

    def memory(self) -> int:
        """Bytes of memory that are its own (unique set size), workers included."""
        return sum(int(each.memory_full_info().uss) for each in self.family())


@contextmanager
def serving(
    installation: Installation,
    *,
    workers: int | None = None,
    profile: Path | None = None,
    database_url: str | None = None,
) -> Iterator[Server]:
    """`ims serve --role api` until the context ends; under the sampler where there is a file for it.

    It serves the installation's own database, or the one given.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    start = ["ims.cli"] if profile is None else ["ims.bench.sampling", str(profile)]
    arguments = ["serve", "--role", "api", "--port", str(port)]
    if workers is not None:
        arguments += ["--workers", str(workers)]
    environment = dict(installation.environment)
    if database_url is not None:
        environment["IMS_DATABASE_URL"] = database_url
    log = installation.home / "bench-serve.log"
    with log.open("wb") as words:
        command = [sys.executable, "-m", *start, *arguments]
        process = subprocess.Popen(command, env=environment, stdout=words, stderr=words)
        try:
            _wait(process, port, log)
            yield Server(port, psutil.Process(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise Failure(f"`ims serve` did not come up: {log.read_text()[-800:]}")
