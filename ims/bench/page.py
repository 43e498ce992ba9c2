"""Writes docs/performance.md from what `ims bench api` and `ims bench queries` measured: no figure in it is typed.

ims bench api --profile --json api.json; ims bench queries --json queries.json
python -m ims.bench.page api.json queries.json > docs/performance.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAD = """# Performance

Every figure on this page was measured by the command above its table and written here by
`python -m ims.bench.page api.json queries.json > docs/performance.md`; none is typed. Client, web app and PostgreSQL
shared one machine.
"""
MIX = """A working day in small: four reads to one write, from orders, products and customers to drafting, confirming
and paying an order, by four signed-in users of four roles (`ims/bench/mix.py`). The client is a process of its own; its
open loop counts an answer from the moment its request was due, so that a queue shows. The limit is pgbench with the
statements that the same requests ran, recorded from the application and run in the same shares on a copy of the
database; the ratio says how much of it the web app leaves. After the loads `ims invariants` and `ims audit verify`
found nothing wrong.
"""
QUERIES = """The statements of the services themselves, as the application's role with row-level security on, each time
with other values. The limits are those of readiness line 26, for the 95th of a hundred.
"""


def page(api: dict[str, Any], queries: dict[str, Any]) -> Iterator[str]:
    """The lines of the page."""
    yield HEAD
    yield f"## The API under load\n\n    {api['command']}\n"
    yield f"{_machine(api)}\n\n{MIX}"
    yield "| load | connections | requests/s | p50 ms | p95 ms | p99 ms | max ms | errors | pgbench/s | ratio |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    hold = [api["hold"]] if "hold" in api else []
    for row in [*api["loads"], *hold]:
        times = " | ".join(f"{row[f'{name}_ms']:.1f}" for name in ("p50", "p95", "p99", "max"))
        limit = f"{row['limit_per_second']:,.0f} | {row['ratio']:.2f}" if row["ratio"] is not None else "|"
        yield (
            f"| {row['load']} | {row['connections']:,} | {row['requests_per_second']:,.0f} | {times} | {row['errors']} "
            f"| {limit} |"
        )
    for row in hold:
        each = row["bytes_per_connection"] / 1024
        yield f"\n{row['held']:,} connections were held at once, each for {each:.1f} KB of the web app's memory."
    ceiling = api["client_ceiling_per_second"]
    yield f"\nThe client alone sends {ceiling:,} requests/s to a server that does nothing but answer.\n"
    yield from _shares(api)
    yield f"## Queries among many orders\n\n    {queries['command']}\n"
    yield f"{_machine(queries)}\n\n{QUERIES}"
    size = f"{queries['orders']:,} orders with {queries['lines']:,} lines, {queries['size']}"
    yield f"{size}; each query {queries['times']} times.\n"
    yield "| query | as | sort | p50 ms | p95 ms | p99 ms | limit ms | |\n|---|---|---|---|---|---|---|---|"
    for row in queries["queries"]:
        times = " | ".join(f"{row[f'p{n}_ms']:.1f}" for n in (50, 95, 99))
        word = "within" if row["passes"] else "**misses**"
        yield f"| {row['name']} | {row['user']} | {row['sort']} | {times} | {row['limit_ms']} | {word} |"


def _machine(found: dict[str, Any]) -> str:
    at, machine = found["at"], found["machine"]
    return (
        f"Measured {at['day']} at commit {at['commit']} on {machine['cores']} cores ({machine['processor']}), "
        f"PostgreSQL {machine['postgres']}, Python {machine['python']}; "
        f"load of the machine before it began: {machine['load']}."
    )


def _shares(api: dict[str, Any]) -> Iterator[str]:
    """What a request costs in processor time, and what the machine's cores can answer at that price."""
    closed = [row for row in api["loads"] if row["load"] == "closed loop"]
    row = max(closed, key=lambda each: each["requests_per_second"])
    costs = {name: cores / row["requests_per_second"] * 1000 for name, cores in row["cpu"].items()}
    words = ", ".join(f"{name} {cost:.2f} ms" for name, cost in costs.items())
    cores = api["machine"]["cores"]
    yield f"A request takes of a core, at {row['connections']} connections: {words}."
    most = cores * 1000 / sum(costs.values())
    yield f"{cores} cores that do nothing else therefore answer {most:,.0f} requests/s at most.\n"
    if api["profile"]:
        yield "| where the web process spends its processor time | share |\n|---|---|"
        for name, share in api["profile"]["layers"].items():
            yield f"| {name} | {share:.0%} |"
        yield ""


if __name__ == "__main__":
    for line in page(*(json.loads(Path(name).read_text()) for name in sys.argv[1:3])):
        print(line)
