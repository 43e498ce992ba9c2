#!/usr/bin/env python
"""Drill: a chain moves here from another system's PostgreSQL: audit, mapping, rehearsal, proof, cut-over, and back.

The other system has Odoo's tables and its faults (deploy/drills/foreign); the mapping is views of the chain folder's
files. Every line is proved by counts, sums and a checksum for each store and month.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import time
from pathlib import Path
from typing import Any

import psycopg
from scene import HERE, Scene, expect, free_ports, say, scene
from world import USER, Chain, Cluster

FOREIGN = HERE / "foreign"
SOURCE = "odoo"
TOML = 'name = "Moved"\ncurrency = "INR"\ntimezone = "Asia/Kolkata"\nas_of = {as_of:%Y-%m-%d}\n'


def drill(playing: Scene) -> None:
    """All of it, in order."""
    (port,) = free_ports(1)
    playing.folder_of("pg", USER)
    cluster = Cluster(playing, playing.folder / "pg", port)
    cluster.create()
    cluster.start()
    cluster.ask(f"CREATE DATABASE {SOURCE}", "postgres")
    for name in ("schema", "views"):
        cluster.ask((FOREIGN / f"{name}.sql").read_text(), SOURCE)
    for fault, found, done in cluster.ask((FOREIGN / "audit.sql").read_text(), SOURCE):
        say(f"audit: {found:>4} {fault}: {done}")
    began = time.monotonic()
    folder = write_folder(cluster, playing.folder / "moved")
    chain = Chain(playing, cluster, playing.folder / "home")

    refuses_faults(chain, folder)
    staging = Chain(playing, cluster, playing.folder / "staging", database="staging")
    rehearse(staging, folder, cluster)
    proved = cut_over(chain, folder, cluster)
    say(f"moved and proved, rehearsal and all: {time.monotonic() - began:.1f} s")
    say(f"lines moved, each in a checksum that agrees: {proved:,}")


def write_folder(cluster: Cluster, folder: Path) -> Path:
    """The chain folder, a file for each view."""
    folder.mkdir()
    (folder / "chain.toml").write_text(TOML.format(as_of=dt.datetime.now(dt.UTC).date()))
    with psycopg.connect(cluster.url(SOURCE)) as connection:
        views = connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'files' ORDER BY 1").fetchall()
        for (name,) in views:
            with (folder / f"{name}.csv").open("wb") as file, connection.cursor() as cursor:
                copy = f"COPY (SELECT * FROM files.{name}) TO STDOUT (FORMAT csv, HEADER)"
                with cursor.copy(copy.encode()) as rows:
                    for part in rows:
                        file.write(part)
    say(f"mapped into a chain folder of {len(views)} files")
    return folder


def refuses_faults(chain: Chain, folder: Path) -> None:
    """A folder as it would be without the mapping's care: a product code twice, a line of a product nobody knows."""
    faults = {
        "products": ({}, "must be in the file once", "a product code that stands twice"),
        "sales_order_lines": ({"sku": "M-9999", "line_ref": "0"}, "M-9999", "a line of an unknown product"),
    }
    for name, (change, words, what) in faults.items():
        faulty = chain.scene.folder / f"faulty-{name}"
        chain.scene.run(["cp", "-a", folder, faulty])
        path = faulty / f"{name}.csv"
        with path.open() as file:
            row = next(csv.DictReader(file))
        with path.open("a") as file:
            csv.DictWriter(file, row).writerow({**row, **change})
        found = chain.ims("import", str(faulty), may_fail=True)
        line = next((line.strip() for line in found.splitlines() if words in line), found)
        expect(words in found, f"{what} is a fault: {line[:150]}")
    expect(chain.cluster.ask("SELECT count(*) FROM products") == [(0,)], "and nothing of those folders is loaded")


def rehearse(staging: Chain, folder: Path, cluster: Cluster) -> None:
    """On a database of its own: validate, load, prove, load again."""
    staging.ims("import", str(folder), "--dry-run")
    expect(staging.ask("SELECT count(*) FROM products") == [(0,)], "a dry run validates everything and loads nothing")
    began = time.monotonic()
    staging.ims("import", str(folder))
    say(f"rehearsal on a staging database: {time.monotonic() - began:.1f} s")
    prove(staging, cluster)
    staging.ims("import", str(folder))
    prove(staging, cluster)
    say("shown: the same folder again changes nothing")
    staging.ims("invariants")


def cut_over(chain: Chain, folder: Path, cluster: Cluster) -> int:
    """For real, with a way back that is taken once; then what was sold meanwhile."""
    cluster.ask("CREATE DATABASE ims_before TEMPLATE ims", "postgres")
    chain.ims("import", str(folder))
    prove(chain, cluster)
    began = time.monotonic()
    cluster.ask("DROP DATABASE ims WITH (FORCE)", "postgres")
    cluster.ask("ALTER DATABASE ims_before RENAME TO ims", "postgres")
    expect(chain.ask("SELECT count(*) FROM sales_orders") == [(0,)], "rolled back: as if nothing had been moved")
    say(f"rollback: {time.monotonic() - began:.1f} s")
    chain.ims("import", str(folder))
    cluster.ask(
        "INSERT INTO sale_order VALUES (9001, 'SO009001', 5, 1, current_date - 1 + time '18:00', 'sale');"
        "INSERT INTO sale_order_line VALUES (99001, 9001, 9, 2, 1233, 0)",
        SOURCE,
    )
    chain.ims("import", str(write_folder(cluster, chain.scene.folder / "moved-again")))
    say("shown: what the old system sold during the move comes with a second folder")
    lines = prove(chain, cluster)
    chain.ims("invariants")
    chain.ims("audit", "verify")
    say("shown: invariants and audit chain are whole")
    return lines


def prove(chain: Chain, cluster: Cluster) -> int:
    """Every store and month: lines, units, money, checksum of the lines; and as many people and stock."""
    source = cluster.ask((FOREIGN / "source.sql").read_text(), SOURCE)
    target = chain.ask((FOREIGN / "target.sql").read_text())
    lines = sum(row[2] for row in source)
    expect(
        source == target,
        f"{len(source)} stores and months agree: {lines:,} lines, {sum(r[4] for r in source):,} in money",
    )
    pairs: dict[str, tuple[Any, Any]] = {
        "customers": (
            cluster.ask("SELECT count(*) FROM files.customers", SOURCE),
            chain.ask("SELECT count(*) FROM customers"),
        ),
        "units on hand": (
            cluster.ask("SELECT sum(on_hand)::int FROM files.stock", SOURCE),
            chain.ask("SELECT sum(on_hand)::int FROM stock_statements"),
        ),
    }
    for what, (there, here) in pairs.items():
        expect(there == here, f"{what}: {here[0][0]:,} there and here")
    return int(lines)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with scene("from-foreign") as stage:
        drill(stage)
