"""`ims bench warehouse`: extract, full and incremental builds and questions, beside what the engines do by themselves.

On a temporary installation: a chain made inside PostgreSQL and as many daily totals as asked for, or a chain folder.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from heapq import nlargest
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from ims.bench.dashboard import time_questions
from ims.bench.installation import Installation, temporary_installation
from ims.bench.warehouse_rows import WHICH, correct, furnish
from ims.bench.world import Progress
from ims.machine import circumstances
from ims.settings import Settings

FACT = "marts.fct_sales_lines"
IN_TURN = 5  # COPY and extract, in turn; the first of each warms what the others find warm


def bench_warehouse(rows: int, folder: Path | None, memory: str, times: int, progress: Progress) -> dict[str, Any]:
    """Everything measured, as data; what `warehouse_report` prints. Seconds, megabytes, rows per second."""
    with temporary_installation() as installation:
        url = installation.databases.operational
        about = circumstances(url)
        table = furnish(installation, rows, folder, progress)
        settings = Settings(home=installation.home, memory_limit=memory)
        with psycopg.connect(url) as connection:
            (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
        found = {"table": table, "rows": count, "memory_limit": memory, **about}
        found["steps"] = _steps(installation, settings, table, progress)
        found["suite"] = _suite(installation, settings, progress)
        found["questions"] = _questions(installation, settings, times, progress)
        return found | _ratios(found)


def _steps(installation: Installation, settings: Settings, table: str, progress: Progress) -> dict[str, dict[str, Any]]:
    from pipelines.rebuild import Rebuild

    url = installation.databases.operational
    steps = _reading(installation, settings, table, progress)
    steps["full"] = _run(installation, settings, Rebuild(is_full=True), progress)
    steps["unchanged"] = _run(installation, settings, None, progress)
    for name, which in WHICH.items():
        changed = correct(url, table, which)
        steps[name] = _run(installation, settings, None, progress) | {"changed": changed}
    return steps


def _reading(
    installation: Installation, settings: Settings, table: str, progress: Progress
) -> dict[str, dict[str, Any]]:
    """Seconds of COPY and of the extract of the same table: each the middle one of several, taken in turn."""
    from pipelines.extract import extract
    from warehouse.lake import connect

    marks = Marks(progress)
    copied, extracted = list[float](), list[float]()
    url = installation.databases.operational
    con = connect(installation.databases, settings)
    try:
        for _ in range(IN_TURN):
            # each over connections of its own, which have yet to learn of the table's partitions
            with psycopg.connect(url, autocommit=True) as connection:
                began = time.perf_counter()
                connection.execute(f"COPY (SELECT * FROM {table}) TO '/dev/null' (FORMAT binary)")
                copied.append(time.perf_counter() - began)
            marks.note("extract", 0, None)
            extract(con, installation.databases, marks.note, is_full=True)
            extracted.append(marks.seconds()[f"extract {table}"])
    finally:
        con.close()
    return {"copy": {"seconds": median(copied)}, "extract": {"seconds": median(extracted)}}


class Marks:
    """When each step of a run began, by the progress that it tells."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._at: list[tuple[str, float]] = []

    def note(self, step: str, done: int, total: int | None) -> None:
        """A step begins."""
        self._at.append((step, time.perf_counter()))
        self._progress(step, done, total)

    def seconds(self) -> dict[str, float]:
        """How long each step took; of one that came more than once, the last time."""
        ends = [at for _, at in self._at[1:]] + [time.perf_counter()]
        return {step: end - at for (step, at), end in zip(self._at, ends, strict=True)}


def _run(installation: Installation, settings: Settings, rebuild: Any, progress: Progress) -> dict[str, Any]:
    """Extract and build, measured: seconds of each, peak memory and spilled megabytes."""
    from pipelines.extract import extract
    from pipelines.held_back import hold_back
    from pipelines.measure import measured
    from pipelines.transform import build_all
    from warehouse.lake import connect

    marks = Marks(progress)
    con = connect(installation.databases, settings)
    try:
        with measured() as measure, _spilling(settings) as spilled:
            began = time.perf_counter()
            result = extract(con, installation.databases, marks.note, is_full=bool(rebuild))
            extracted = time.perf_counter()
            marks.note("what is held back", 0, None)
            hold_back(con)
            held = time.perf_counter()
            built = build_all(con, result.data_as_of, marks.note, rebuild)
            ended, seconds = time.perf_counter(), marks.seconds()
    finally:
        con.close()
    slowest = nlargest(8, seconds.items(), key=itemgetter(1))
    return {
        "seconds": ended - began, "extract": extracted - began, "held_back": held - extracted, "build": ended - held,
        "peak_memory_mb": measure.peak_memory_mb, "spilled_mb": spilled[0] // 2**20,
        "tables_written": len(built), "slowest": {step: round(took, 2) for step, took in slowest},
    }  # fmt: skip


def _suite(installation: Installation, settings: Settings, progress: Progress) -> dict[str, Any]:
    """The checks of the largest fact, as a run makes them."""
    from expectations.timing import time_suite
    from pipelines.measure import measured
    from warehouse.lake import connect

    progress(f"checks of {FACT}", 0, None)
    con = connect(installation.databases, settings)
    try:
        with measured() as measure:
            timing = time_suite(con, FACT)
    finally:
        con.close()
    return {**asdict(timing), "peak_memory_mb": measure.peak_memory_mb}


@contextmanager
def _spilling(settings: Settings) -> Iterator[list[int]]:
    """The most bytes that lay in the folder of spilled memory meanwhile."""
    most, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            sizes = [path.stat().st_size for path in (settings.home / "duckdb").glob("spill-*/*") if path.exists()]
            most[0] = max(most[0], sum(sizes))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        stop.set()
        watcher.join()


def _questions(installation: Installation, settings: Settings, times: int, progress: Progress) -> list[dict[str, Any]]:
    from warehouse.copied import open_copy
    from warehouse.lake import connect, current_snapshot

    con = connect(installation.databases, settings, read_only=True)
    snapshot = current_snapshot(con)
    con.close()
    progress("the copy that pages ask", 0, None)
    copy = open_copy(installation.databases, settings, snapshot)
    assert copy is not None, "a lake of the benchmark is not encrypted"
    con = connect(installation.databases, settings, snapshot=snapshot)
    try:
        return time_questions(con, copy, installation.home, times, progress)
    finally:
        copy.close()
        con.close()


def _ratios(found: dict[str, Any]) -> dict[str, Any]:
    steps, questions = found["steps"], found["questions"]
    sums, most = (
        {who: pick(row[f"{who}p95_ms"] for row in questions) for who in ("", "page_", "native_")} for pick in (sum, max)
    )
    return {
        "ratios": {
            "extract_of_copy": round(steps["copy"]["seconds"] / steps["extract"]["seconds"], 3),
            "incremental_of_full": round(steps["incremental"]["seconds"] / steps["full"]["seconds"], 3),
            "page_questions_of_native": round(sums["page_"] / sums["native_"], 3),
            "slowest_page_question_ms": most["page_"],
            "questions_of_native": round(sums[""] / sums["native_"], 3),
            "slowest_question_ms": most[""],
            "suite_seconds": found["suite"]["seconds"],
        },
        "most_memory_mb": max(step.get("peak_memory_mb", 0) for step in steps.values()),
        "slowest_native_ms": most["native_"],
    }
