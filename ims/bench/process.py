"""Starting the processes of a benchmark, and what they took: processor seconds by part, memory of the server."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from ims.bench.plan import Outcome, Plan
from ims.failure import Failure

SPARE_SECONDS = 120.0


def run_load(plan: Plan) -> Outcome:
    """Put this load on the server, from a process of its own."""
    with tempfile.NamedTemporaryFile(prefix="ims-load-", suffix=".json") as file:
        client = subprocess.run(
            [sys.executable, "-m", "ims.bench.client", file.name],
            input=plan.to_json(),
            capture_output=True,
            text=True,
            timeout=plan.seconds + SPARE_SECONDS,
        )
        if client.returncode != 0:
            raise Failure(f"The load client ended with {client.returncode}: {client.stderr[-600:]}")
        return Outcome.from_json(Path(file.name).read_text())


@contextmanager
def idle_server() -> Iterator[int]:
    """The port of a server that does nothing but answer."""
    command = [sys.executable, "-m", "ims.bench.ceiling"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


def processor_seconds(processes: Iterable[psutil.Process]) -> float:
    """Processor time that these have used so far, theirs and of children that ended."""
    total = 0.0
    for each in processes:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def postgres_family(home: Path) -> list[psutil.Process]:
    """The embedded server of this home and its backends."""
    postmaster = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0]))
    return [postmaster, *postmaster.children()]
