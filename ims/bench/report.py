"""The table of `ims bench api`, and the same figures as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ims.bench.pgbench import Limit
from ims.bench.plan import Outcome

QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))


@dataclass(frozen=True)
class Usage:
    """Processor seconds for each second of wall time, by part."""

    web: float
    postgres: float
    client: float


@dataclass(frozen=True)
class Measured:
    """One load, what it found, what the machine did meanwhile, and the limit where it was measured."""

    name: str
    connections: int
    outcome: Outcome
    usage: Usage
    limit: Limit | None = None

    @property
    def rate(self) -> float:
        """Requests answered as expected, per second."""
        return self.outcome.requests / self.outcome.seconds if self.outcome.seconds else 0.0

    @property
    def ratio(self) -> float | None:
        """Share of what the database does by itself."""
        return self.rate / self.limit.requests_per_second if self.limit and self.limit.requests_per_second else None

    def to_data(self) -> dict[str, Any]:
        """For a JSON file: rates per second, times in milliseconds."""
        together = self.outcome.all
        return {
            "load": self.name,
            "connections": self.connections,
            "requests": self.outcome.requests,
            "requests_per_second": round(self.rate, 1),
            **{f"{name}_ms": _milliseconds(together.quantile(share)) for name, share in QUANTILES},
            "errors": self.outcome.errors,
            "failures": self.outcome.failures,
            "examples": self.outcome.examples,
            "late_ms": _milliseconds(self.outcome.late),
            "cpu": {name: round(value, 2) for name, value in vars(self.usage).items()},
            "limit_clients": self.limit.clients if self.limit else None,
            "limit_per_second": round(self.limit.requests_per_second, 1) if self.limit else None,
            "ratio": round(self.ratio, 3) if self.ratio is not None else None,
            "kinds": {
                name: {
                    "requests": each.total,
                    "p50_ms": _milliseconds(each.quantile(0.5)),
                    "p95_ms": _milliseconds(each.quantile(0.95)),
                }
                for name, each in self.outcome.latencies.items()
            },
        }


def api_report(found: dict[str, Any]) -> list[str]:
    """Everything `ims bench api` found, for a terminal."""
    hold = found.get("hold")
    lines = list(table([*found["loads"], *([hold] if hold else [])]))
    lines.append(
        f"The client alone: {found['client_ceiling_per_second']:,} requests/s against a server that only answers."
    )
    if hold:
        each = f"{hold['bytes_per_connection'] / 1024:.1f} KB of the web app's memory each"
        lines.append(f"Held: {hold['held']:,} connections, {each}.")
    lines += kinds_table(found["loads"][-1 if len(found["loads"]) == 1 else 1])
    if found["profile"]:
        lines += profile_table(found["profile"])
    lines.append("Afterwards: " + ", ".join(f"ims {name}: nothing wrong" for name in found["sound"]) + ".")
    return lines


def queries_report(found: dict[str, Any]) -> list[str]:
    """Everything `ims bench queries` found, for a terminal; times in milliseconds."""
    lines = [
        f"{found['orders']:,} orders, {found['lines']:,} lines, {found['size']}; made in {found['seconds']:.0f} s."
    ]
    lines.append(f"{'query':<50}{'as':<10}{'rows':>6}{'p50':>8}{'p95':>8}{'p99':>8}{'limit':>7}")
    for row in found["queries"]:
        word = "" if row["passes"] else "  misses"
        lines.append(
            f"{row['name']:<50}{row['user']:<10}{row['rows']:>6.0f}{row['p50_ms']:>8.1f}{row['p95_ms']:>8.1f}"
            f"{row['p99_ms']:>8.1f}{row['limit_ms']:>7}{word}"
        )
    for row in found["queries"]:
        if not row["passes"]:
            lines += ["", f"{row['name']}, as {row['user']}:", row["statement"], *row["plan"]]
    return lines


def table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Lines for a terminal, from what `to_data` gave."""
    yield (
        f"{'load':<14}{'connections':>12}{'req/s':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}{'errors':>8}"
        f"{'pgbench/s':>11}{'ratio':>7}   cores: web, PostgreSQL, client"
    )
    for row in rows:
        times = "".join(f"{row[f'{name}_ms']:>8.1f}" for name, _ in QUANTILES)
        limit = f"{row['limit_per_second']:>11,.0f}" if row["limit_per_second"] is not None else " " * 11
        ratio = f"{row['ratio']:>7.2f}" if row["ratio"] is not None else " " * 7
        cores = ", ".join(f"{value:.2f}" for value in row["cpu"].values())
        yield (
            f"{row['load']:<14}{row['connections']:>12,}{row['requests_per_second']:>8,.0f}{times}{row['errors']:>8}"
            f"{limit}{ratio}   {cores}"
        )
    yield "Times in milliseconds; of an open loop from the moment a request was due."
    for row in rows:
        for word, count in row["failures"].items():
            yield f"  {row['load']} at {row['connections']}: {count} × {word}: {row['examples'].get(word, '')}"


def kinds_table(row: dict[str, Any]) -> Iterator[str]:
    """What each kind of request took in one load."""
    yield f"{'request at ' + str(row['connections']) + ' connections':<36}{'requests':>10}{'p50':>8}{'p95':>8}"
    for name, each in row["kinds"].items():
        yield f"{name:<36}{each['requests']:>10,}{each['p50_ms']:>8.1f}{each['p95_ms']:>8.1f}"


def profile_table(profile: dict[str, Any]) -> Iterator[str]:
    """Where the web process spent its processor time."""
    yield f"Processor time of the web process ({profile['samples']:,} samples):"
    for name, share in profile["layers"].items():
        yield f"  {share:>6.1%}  {name}"
    yield "Most of it in:"
    for name, share in list(profile["functions"].items())[:15]:
        yield f"  {share:>6.1%}  {name}"


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
