"""On what, when and of which state of the code something was measured."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import psycopg


def circumstances(url: str | None = None) -> dict[str, Any]:
    """Day, commit and machine, with how busy it was before: a figure without them cannot be compared.

    With the `url` of a database its server's version, too.
    """
    load = f"{os.getloadavg()[0]:.1f}"
    machine = {"cores": os.cpu_count(), "processor": _processor(), "load": load, "python": platform.python_version()}
    if url is not None:
        with psycopg.connect(url) as connection:
            row = connection.execute("SHOW server_version").fetchone()
            assert row is not None
        machine["postgres"] = row[0].split()[0]
    return {"at": {"day": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC", "commit": _commit()}, "machine": machine}


def _processor() -> str:
    try:
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    except OSError:
        names = []
    return names[0].partition(":")[2].strip() if names else platform.machine()


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"
