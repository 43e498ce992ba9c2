"""`ims serve` is told to end while it works: what was begun is answered, what was acknowledged is kept."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(180)]
IMS = str(Path(sys.executable).parent / "ims")


@pytest.fixture
def url(installation) -> str:
    return installation.databases.operational


@pytest.fixture
def headers(url: str, make_user) -> dict[str, str]:
    return {"authorization": f"Bearer {make_user(url, 'admin', ('admin',))}"}


class Served:
    """A running `ims serve --role api`, its address and its log."""

    def __init__(self, log: Path, *options: str, **variables: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [IMS, "serve", "--role", "api", "--port", str(self.port), *options],
                env={**os.environ, **variables},
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )

    def wait(self) -> None:
        for _ in range(600):
            assert self.process.poll() is None, self.log.read_text()
            try:
                if httpx.get(f"{self.address}/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("it did not answer within a minute")

    def lines(self) -> list[dict[str, object]]:
        """The log; each line of it must be JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextmanager
def serving(log: Path, *options: str, **variables: str) -> Iterator[Served]:
    served = Served(log, *options, **variables)
    try:
        served.wait()
        yield served
    finally:
        if served.process.poll() is None:
            served.process.kill()
        served.process.wait(timeout=30)


def open_store(served: Served, headers: dict[str, str], code: str) -> int:
    body = {"store_code": code, "name": f"Store {code}"}
    key = {"idempotency-key": f"key-of-{code}"}
    return httpx.post(f"{served.address}/api/v1/stores", json=body, headers={**headers, **key}, timeout=40).status_code


def in_threads(count: int, work: Callable[[int], None]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads


def is_refused(served: Served) -> bool:
    try:
        httpx.get(f"{served.address}/health")
    except httpx.TransportError:
        return True
    return False


def test_requests_in_flight_are_answered_and_nothing_new_is_taken(
    installation, url: str, headers: dict[str, str], tmp_path: Path
) -> None:
    statuses: dict[int, int] = {}
    with serving(tmp_path / "log", IMS_DRAIN_SECONDS="1") as served:
        assert open_store(served, headers, "S0") == 201
        with psycopg.connect(url) as blocker:
            blocker.execute("LOCK TABLE stores IN ACCESS EXCLUSIVE MODE")
            threads = in_threads(8, lambda number: statuses.update({number: open_store(served, headers, f"T{number}")}))
            time.sleep(1)
            assert statuses == {}, "all of them wait for the lock"
            told = time.monotonic()
            served.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            ready = httpx.get(f"{served.address}/ready")
            assert (ready.status_code, ready.json()["status"]) == (503, "stopping")
            assert ready.headers["connection"] == "close"
            while not is_refused(served):
                assert time.monotonic() - told < 3
                time.sleep(0.05)
            assert served.process.poll() is None
            time.sleep(0.5)
        for thread in threads:
            thread.join()
        assert set(statuses.values()) == {201}
        assert served.process.wait(timeout=20) == 0
    lines = served.lines()
    assert not [line for line in lines if line["level"] in {"error", "critical"} or "exception" in line]
    with psycopg.connect(url) as connection:
        count = connection.execute("SELECT count(*) FROM stores WHERE store_code LIKE 'T%'").fetchone()
        left = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert (count[0], left[0]) == (8, 0)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_acknowledged_write_is_kept(
    installation, url: str, headers: dict[str, str], tmp_path: Path, workers: str
) -> None:
    acknowledged: list[str] = []
    others: list[object] = []

    def write(writer: int) -> None:
        for number in range(100_000):
            code = f"W{writer}-{number}"
            try:
                status = open_store(served, headers, code)
            except httpx.TransportError:
                return  # refused or closed before an answer: nobody was promised anything
            acknowledged.append(code) if status == 201 else others.append((code, status))

    with serving(tmp_path / "log", "--workers", workers) as served:
        threads = in_threads(4, write)
        time.sleep(2)
        served.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert served.process.wait(timeout=40) == 0
    assert others == []
    assert len(acknowledged) > 20
    with psycopg.connect(url) as connection:
        kept = {row[0] for row in connection.execute("SELECT store_code FROM stores")}
        told = connection.execute("SELECT count(*) FROM audit_log WHERE entity_type = 'store'").fetchone()
    assert set(acknowledged) <= kept
    assert told[0] == len(kept)


def test_workers_share_port_and_figures_and_end_with_their_supervisor(
    installation, url: str, headers: dict[str, str], tmp_path: Path
) -> None:
    with serving(tmp_path / "log", "--workers", "2") as served:
        workers = _workers(served)
        assert len(workers) == 2
        for number in range(40):
            assert open_store(served, headers, f"S{number}") == 201
        text = httpx.get(f"{served.address}/metrics").text
        counted = 'ims_http_requests_total{method="POST",route="/api/v1/stores",status="201"} 40.0'
        assert counted in text
        assert "ims_pool_max 20.0" in text
        assert "ims_build_info" in text
        workers[0].kill()
        for _ in range(100):
            if len(_workers(served)) == 2 and workers[0] not in _workers(served):
                break
            time.sleep(0.2)
        assert workers[0] not in _workers(served), "one that dies is replaced"
        for _ in range(100):
            text = httpx.get(f"{served.address}/metrics").text
            if "ims_pool_max 20.0" in text:
                break  # neither the dead worker's pool nor one too few
            time.sleep(0.2)
        assert "ims_pool_max 20.0" in text
        assert counted in text, "what a dead worker counted stays counted"
        workers = _workers(served)
        served.process.kill()
        served.process.wait()
        assert psutil.wait_procs(workers, timeout=20)[1] == []


def test_a_request_that_never_ends_is_cut_after_the_grace(
    installation, url: str, headers: dict[str, str], tmp_path: Path
) -> None:
    quick = {"IMS_STOP_TIMEOUT_SECONDS": "1", "IMS_LOCK_TIMEOUT_SECONDS": "60", "IMS_STATEMENT_TIMEOUT_SECONDS": "60"}
    outcome: list[object] = []

    def write(_: int) -> None:
        try:
            outcome.append(open_store(served, headers, "S1"))
        except httpx.TransportError as error:
            outcome.append(type(error))

    with serving(tmp_path / "log", **quick) as served, psycopg.connect(url) as blocker:
        blocker.execute("LOCK TABLE stores IN ACCESS EXCLUSIVE MODE")
        threads = in_threads(1, write)
        time.sleep(1)
        began = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(timeout=30) == 0
        assert time.monotonic() - began < 10
        for thread in threads:
            thread.join()
    assert outcome != [201]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM stores").fetchone() == (0,)


def test_a_head_without_end_is_cut(installation, url: str, tmp_path: Path) -> None:
    with serving(tmp_path / "log") as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as one:
            one.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n")
            with pytest.raises(OSError):  # noqa: PT011  (reset or broken pipe, as the kernel has it)
                one.sendall(b"".join(b"x-%d: %s\r\n" % (number, b"y" * 100) for number in range(200_000)))
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as other:
            other.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 80_000)
            assert other.recv(100).startswith(b"HTTP/1.1 400")
        assert httpx.get(f"{served.address}/health").status_code == 200


def _workers(served: Served) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(served.process.pid).children():
        with contextlib.suppress(psutil.Error):  # one that just died
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found
