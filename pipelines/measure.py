"""How long a piece of work took and how much memory the process held at most meanwhile."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass
class Measure:
    """Filled in when the work has ended."""

    seconds: float = 0.0
    peak_memory_mb: int = 0

    @property
    def metadata(self) -> dict[str, float | int]:
        """As Dagster shows it beside a step's rows."""
        return {"seconds": round(self.seconds, 3), "peak_memory_mb": self.peak_memory_mb}


@contextlib.contextmanager
def measured() -> Iterator[Measure]:
    """Measure a piece of work. Where the system cannot forget an earlier peak, it is that of the process so far."""
    measure, started = Measure(), time.monotonic()
    with contextlib.suppress(OSError):
        RESET.write_text("5")  # the high-water mark of resident memory begins anew
    try:
        yield measure
    finally:
        measure.seconds, measure.peak_memory_mb = time.monotonic() - started, _peak_mb()


def _peak_mb() -> int:
    try:
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
