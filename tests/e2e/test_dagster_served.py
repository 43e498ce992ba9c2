"""`ims serve --role dagster`: UI and daemon as one thing, which ends as a whole."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx
import psutil
import pytest

from ims.web import listen

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def served(installation) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the UI's address, once it answers."""
    with listen("127.0.0.1", 0, "--port") as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ims.cli", "serve", "--role", "dagster", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        address = f"http://127.0.0.1:{port}"
        wait(lambda: process.poll() is not None or answers(address))
        yield process, address
        process.kill()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/server_info", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def wait(done: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def test_the_ui_shows_the_jobs_and_all_of_it_ends_when_told_to(served) -> None:
    process, address = served
    question = {"query": "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } } } } }"}
    found = json.loads(httpx.post(f"{address}/graphql", json=question, timeout=60).text)
    jobs = {job["name"] for node in found["data"]["repositoriesOrError"]["nodes"] for job in node["jobs"]}
    assert {"main", "upkeep"} <= jobs
    children = family(process)
    assert len(children) >= 2
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert address in said
    wait(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children), 30)


def test_a_daemon_that_ends_by_itself_ends_the_whole_with_a_sentence(served) -> None:
    process, address = served
    wait(lambda: any("dagster-daemon" in " ".join(child.cmdline()) for child in family(process)))
    (daemon,) = [child for child in psutil.Process(process.pid).children() if "daemon" in " ".join(child.cmdline())]
    daemon.kill()
    said, _ = process.communicate(timeout=90)
    assert process.returncode == 1
    assert "dagster-daemon ended by itself" in said
    assert not answers(address)
