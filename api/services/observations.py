"""Prometheus figures of one web process, or of all workers of one port (prometheus_client's multiprocess files).

Labels stay few: patterns of routes, methods, codes and kinds that the program itself names.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import math
import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from api.services.connections import Pool

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
TICK_SECONDS = 0.5
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# what a run left behind; the label that some have
PIPELINE = {
    "run_age_seconds": ("Seconds since the newest run ended.", None),
    "run_seconds": ("Seconds that the newest run took.", None),
    "run_state": ("1 for how the newest run ended.", "state"),
    "checks_failed": ("Checks of the newest run that failed and are not waived.", "severity"),
    "lake_files": ("Files of the lake that are in use.", None),
    "lake_bytes": ("Bytes of the lake that are in use.", None),
    "forecast_pairs": ("Pairs of store and product that are forecast.", None),
    "forecast_fallbacks": ("Of them, those that another method than the chain's model forecasts.", None),
    "forecast_alerts": ("Alerts of the forecasts' monitor.", "alert"),
}
# what psycopg_pool counts, as we call it
POOL_COUNTERS = {
    "requests_num": ("ims_pool_requests_total", "Connections asked of the pool.", 1.0),
    "requests_queued": ("ims_pool_queued_total", "Of them, those that had to wait.", 1.0),
    "requests_wait_ms": ("ims_pool_wait_seconds_total", "Time they waited.", 0.001),
    "requests_errors": ("ims_pool_timeouts_total", "Of them, those that got none.", 1.0),
    "connections_lost": ("ims_pool_lost_total", "Connections found broken.", 1.0),
}
POOL_GAUGES = {
    "pool_size": ("ims_pool_size", "Connections of the pool."),
    "pool_max": ("ims_pool_max", "Connections it may have."),
    "pool_available": ("ims_pool_available", "Connections that are free."),
    "requests_waiting": ("ims_pool_waiting", "Requests that wait for one."),
}


class Business:
    """What the chain does, counted where it happens: each audit event as it is committed, each refusal as it is told.

    Of the process, not of an application: services know no application.
    """

    def __init__(self) -> None:
        self.events = Counter("ims_events_total", "Audit events committed.", ["kind"], registry=None)
        self.refusals = Counter("ims_refusals_total", "Requests refused, by problem.", ["code"], registry=None)
        self.sessions = Counter("ims_sessions_resolved_total", "Sessions found, by source.", ["source"], registry=None)
        self.questions = Counter(
            "ims_dashboard_questions_total",
            "Questions of dashboards, by where the answer was.",
            ["source"],
            registry=None,
        )
        self.ahead = Counter(
            "ims_dashboard_questions_ahead_total",
            "Asked of a new snapshot before anybody came.",
            registry=None,
        )
        self.copies = Counter("ims_dashboard_copies_total", "Copies made of what is published.", registry=None)

    def count(self, kind: str) -> None:
        """An event of that kind was committed."""
        self.events.labels(kind).inc()

    def refuse(self, code: str) -> None:
        """A request was refused with that code."""
        self.refusals.labels(code).inc()

    def resolve(self, source: str) -> None:
        """A session was found in memory, or looked for in the database."""
        self.sessions.labels(source).inc()

    def answer(self, source: str) -> None:
        """A question of the dashboards was answered from memory, by the copy of what is published, or by the lake."""
        self.questions.labels(source).inc()

    def answer_ahead(self) -> None:
        """A question of the dashboards was asked of a new snapshot, before anybody came to ask it."""
        self.ahead.inc()

    def copy(self) -> None:
        """What is published was copied for the dashboards."""
        self.copies.inc()


BUSINESS = Business()


class Observations:
    """What `/metrics` shows."""

    def __init__(self, pool: Pool) -> None:
        self.registry = CollectorRegistry()
        self._pool, self._before = pool, dict[str, float]()
        labels = ["method", "route"]
        self.requests = self._counter("ims_http_requests_total", "Requests answered.", *labels, "status")
        self.seconds = Histogram(
            "ims_http_request_seconds", "Time to answer.", labels, buckets=BUCKETS, registry=self.registry
        )
        self.in_flight = self._gauge("ims_http_in_flight", "Requests being answered.")
        self.websockets = self._gauge("ims_websockets_open", "Pages that are open in browsers.")
        self.lag = Histogram(
            "ims_event_loop_lag_seconds", "How late the event loop is.", buckets=LAG_BUCKETS, registry=self.registry
        )
        self.pool_gauges = {name: self._gauge(*words) for name, words in POOL_GAUGES.items()}
        self.pool_counters = {name: self._counter(*words[:2]) for name, words in POOL_COUNTERS.items()}
        self._shared_gauge("ims_build_info", "What is running.", "version").labels(version("ims")).set(1)
        self.database_up = self._shared_gauge("ims_database_up", "1 when PostgreSQL answered.")
        self.snapshot = self._shared_gauge("ims_published_snapshot_id", "Lake snapshot that is served; 0 before any.")
        self.data_age = self._shared_gauge(
            "ims_published_data_age_days", "Days from the served data's as-of to today (UTC)."
        )
        self.published_age = self._shared_gauge(
            "ims_published_age_seconds", "Seconds since the served publication was made."
        )
        self.outbox = self._shared_gauge("ims_outbox_messages", "Messages not delivered, by state.", "state")
        self.pipeline = {
            name: self._shared_gauge(f"ims_{name}", words, *([label] if label else []))
            for name, (words, label) in PIPELINE.items()
        }
        self.free = self._shared_gauge("ims_home_free_bytes", "Bytes that are free where IMS keeps its state.")
        self.replica_lag = self._shared_gauge(
            "ims_replica_lag_seconds", "How far the standby is behind that the extract reads; NaN: it does not answer."
        )
        for counter in vars(BUSINESS).values():
            self.registry.register(counter)
        ProcessCollector(registry=self.registry)

    def note_publication(self, publication: Mapping[str, Any] | None) -> None:
        """Bring the gauges of the publication up to date."""
        now = dt.datetime.now(dt.UTC)
        self.snapshot.set(publication["snapshot_id"] if publication else 0)
        if publication:
            self.data_age.set((now.date() - publication["data_as_of"]).days)
            self.published_age.set((now - publication["published_at"]).total_seconds())

    def note_pipeline(self, figures: Iterable[tuple[str, str, float]]) -> None:
        """Bring the gauges of the newest run up to date."""
        for name, label, value in figures:
            gauge = self.pipeline[name]
            (gauge.labels(label) if label else gauge).set(value)

    def note_replica(self, behind: float | None) -> None:
        """How many seconds the standby is behind; None where it does not answer."""
        self.replica_lag.set(math.nan if behind is None else behind)

    def note_free(self, free: int) -> None:
        """How many bytes are free under `home`."""
        self.free.set(free)

    def note_outbox(self, pending: int, dead: int) -> None:
        """How many messages wait, and how many were given up."""
        self.outbox.labels("pending").set(pending)
        self.outbox.labels("dead").set(dead)

    @asynccontextmanager
    async def sampling(self) -> AsyncIterator[None]:
        """Watch the event loop and the pool until the context ends."""
        task = asyncio.create_task(self._sample_always())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            if FOLDER in os.environ:
                mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]

    def render(self) -> bytes:
        """The text exposition; of all workers where there are several."""
        self._sample_pool()
        if FOLDER not in os.environ:
            return generate_latest(self.registry)
        _forget_dead_workers(Path(os.environ[FOLDER]))
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)

    async def _sample_always(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            self.lag.observe(max(0.0, time.perf_counter() - began - TICK_SECONDS))
            self._sample_pool()

    def _sample_pool(self) -> None:
        stats = self._pool.get_stats()
        for name, gauge in self.pool_gauges.items():
            gauge.set(stats.get(name, 0))
        for name, counter in self.pool_counters.items():
            now = stats.get(name, 0) * POOL_COUNTERS[name][2]
            counter.inc(max(0.0, now - self._before.get(name, 0.0)))
            self._before[name] = now

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str) -> Gauge:
        """Of this process: workers are added up."""
        return Gauge(name, words, registry=self.registry, multiprocess_mode="livesum")

    def _shared_gauge(self, name: str, words: str, *labels: str) -> Gauge:
        """Of the installation: any worker says the same, the latest is right."""
        return Gauge(name, words, labels, registry=self.registry, multiprocess_mode="mostrecent")


def _forget_dead_workers(folder: Path) -> None:
    """A worker that was killed said no goodbye: its gauges would count for ever."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
