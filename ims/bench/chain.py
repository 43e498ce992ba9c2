"""`ims bench chain`: how long a chain takes from its folder to its files, and in how much memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ims.failure import Failure

STAGES = {
    "import": ("import", "{folder}"),
    "run": ("run",),
    "run again": ("run",),
    "export forecasts": ("export", "forecasts", "--out", "{home}/forecasts.parquet"),
    "export suggestions": ("export", "suggestions", "--all", "--out", "{home}/suggestions.csv"),
}
OWN = {"IMS_DATABASE_URL", "IMS_LAKE_DATABASE_URL", "IMS_DAGSTER_DATABASE_URL", "IMS_LAKE_PATH"}


def bench_chain(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Each stage as it ends: its name, seconds of wall time, MB of its own process at most."""
    with tempfile.TemporaryDirectory(prefix="ims-bench-") as scratch:
        home = Path(scratch) / "home"
        environment = {key: value for key, value in os.environ.items() if key not in OWN} | {"IMS_HOME": str(home)}
        try:
            for name, arguments in STAGES.items():
                filled = [each.format(folder=folder.absolute(), home=home) for each in arguments]
                yield name, *_time(filled, environment)
        finally:
            subprocess.run(_command(["stop"]), env=environment, capture_output=True, check=True)


def _time(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    start = time.monotonic()
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(_command(arguments), env=environment, stdout=words, stderr=words)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            words.seek(0)
            raise Failure(
                f"`ims {' '.join(arguments)}` ended with {process.returncode}: {words.read().decode()[-600:]}"
            )
    return time.monotonic() - start, usage.ru_maxrss / 1024


def _command(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "ims.cli", *arguments]
