"""Prometheus figures of one web process. Each application has a registry of its own."""

from __future__ import annotations

import datetime as dt
from importlib.metadata import version
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Observations:
    """What `/metrics` shows."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ["method", "route"]
        self.requests = Counter(
            "ims_http_requests_total", "Requests answered.", [*labels, "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "ims_http_request_seconds", "Time to answer.", labels, buckets=BUCKETS, registry=self.registry
        )
        Info("ims_build", "What is running.", registry=self.registry).info({"version": version("ims")})
        self.database_up = Gauge("ims_database_up", "1 when PostgreSQL answered.", registry=self.registry)
        self.snapshot = Gauge(
            "ims_published_snapshot_id", "Lake snapshot that is served; 0 before any.", registry=self.registry
        )
        self.data_age = Gauge(
            "ims_published_data_age_days", "Days from the served data's as-of to today (UTC).", registry=self.registry
        )
        self.published_age = Gauge(
            "ims_published_age_seconds", "Seconds since the served publication was made.", registry=self.registry
        )

    def note_publication(self, publication: dict[str, Any] | None) -> None:
        """Bring the gauges of the publication up to date."""
        now = dt.datetime.now(dt.UTC)
        self.snapshot.set(publication["snapshot_id"] if publication else 0)
        if publication:
            self.data_age.set((now.date() - publication["data_as_of"]).days)
            self.published_age.set((now - publication["published_at"]).total_seconds())

    def render(self) -> bytes:
        """The text exposition."""
        return generate_latest(self.registry)
