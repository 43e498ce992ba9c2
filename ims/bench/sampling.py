"""Where a process spends its processor time: `python -m ims.bench.sampling FILE serve …` runs `ims` under a sampler.

The kernel's profiling timer interrupts every so many milliseconds of processor time, not of wall time; a sample goes
to the layer of the innermost frame that belongs to one. Written to FILE as JSON when the process ends.
"""

from __future__ import annotations

import collections
import json
import runpy
import signal
import sys
from pathlib import Path
from types import FrameType

BEGIN = signal.SIGUSR2
EVERY_SECONDS = 0.002
# the first that fits the innermost frame decides; frames of none (asyncio, contextlib, json, …) count for their caller
LAYERS = (
    ("psycopg", "/psycopg/"),
    ("psycopg", "/psycopg_pool/"),
    ("gate: token, session", "/api/identity/"),
    ("JSON, ETag", "/api/routes/answers.py"),
    ("logs, metrics", "/api/routes/observation.py"),
    ("logs, metrics", "/api/services/logs.py"),
    ("logs, metrics", "/prometheus_client/"),
    ("logs, metrics", "/logging/"),
    ("our framework", "/api/routes/caller.py"),
    ("our framework", "/api/services/transactions.py"),
    ("our framework", "/api/services/action.py"),
    ("our framework", "/api/services/idempotency.py"),
    ("our framework", "/api/services/paging.py"),
    ("our framework", "/api/services/audit.py"),
    ("services and routes", "/api/services/"),
    ("services and routes", "/api/routes/"),
    ("FastAPI, Starlette, pydantic", "/fastapi/"),
    ("FastAPI, Starlette, pydantic", "/starlette/"),
    ("FastAPI, Starlette, pydantic", "/pydantic/"),
    ("uvicorn, httptools, uvloop", "/uvicorn/"),
    ("other middleware", "/api/"),
)
REST = "event loop and others"


class Sampler:
    """Counts samples by layer and by function."""

    def __init__(self) -> None:
        self.layers: collections.Counter[str] = collections.Counter()
        self.functions: collections.Counter[str] = collections.Counter()

    def await_word(self) -> None:
        """Begin when BEGIN arrives, so that starting up is not counted; only in the main thread, the event loop's."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(BEGIN, self._begin)

    def _begin(self, *_: object) -> None:
        self.layers.clear()
        self.functions.clear()
        signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)

    def stop(self) -> None:
        """End the timer."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _sample(self, _: int, frame: FrameType | None) -> None:
        while frame is not None:
            path = frame.f_code.co_filename
            for layer, part in LAYERS:
                if part in path:
                    self.layers[layer] += 1
                    self.functions["/".join(Path(path).parts[-2:]) + " " + frame.f_code.co_qualname] += 1
                    return
            frame = frame.f_back
        self.layers[REST] += 1

    def write(self, path: Path) -> None:
        """Shares of all samples, the largest first."""
        total = max(sum(self.layers.values()), 1)
        shares = {name: count / total for name, count in self.layers.most_common()}
        functions = {name: count / total for name, count in self.functions.most_common(40)}
        path.write_text(json.dumps({"samples": total, "layers": shares, "functions": functions}))


def _run(path: Path, arguments: list[str]) -> None:
    sampler = Sampler()
    sampler.await_word()
    sys.argv = ["ims", *arguments]
    try:
        runpy.run_module("ims.cli", run_name="__main__")
    finally:
        sampler.stop()
        sampler.write(path)


if __name__ == "__main__":
    _run(Path(sys.argv[1]), sys.argv[2:])
