"""Versions that figures and files carry: which definitions of the metrics they were computed by."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

METRICS = Path(__file__).parents[1] / "warehouse" / "metrics"


@lru_cache(maxsize=1)
def metric_version() -> str:
    """A name for the metric definitions: equal names, equal definitions."""
    digest = hashlib.sha256()
    for path in sorted(METRICS.glob("*.toml")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]
