"""Latencies in buckets of under one percent width, from a microsecond to hours, in constant memory."""

from __future__ import annotations

from collections.abc import Mapping

BITS = 7  # 128 buckets for each doubling: the width of one is at most 1/128 of its value


class Histogram:
    """Counts by bucket, as HDR histograms keep them; several add up to one."""

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: dict[int, int] = dict(counts or {})

    def add(self, seconds: float) -> None:
        """Count one latency."""
        microseconds = int(seconds * 1e6)
        shift = max(microseconds.bit_length() - BITS - 1, 0)
        bucket = (shift << (BITS + 1)) + (microseconds >> shift)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1

    def merge(self, other: Histogram) -> None:
        """Count what the other counted too."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count

    @property
    def total(self) -> int:
        """How many were counted."""
        return sum(self.counts.values())

    def quantile(self, share: float) -> float:
        """Seconds within which this share of all was; 0 when nothing was counted. `quantile(1)` is the largest."""
        left = share * self.total
        for bucket in sorted(self.counts):
            left -= self.counts[bucket]
            if left <= 1e-9:
                return _seconds(bucket)
        return 0.0


def _seconds(bucket: int) -> float:
    """The upper end of a bucket."""
    shift, rest = bucket >> (BITS + 1), bucket & ((1 << (BITS + 1)) - 1)
    return ((rest + 1) << shift) / 1e6
