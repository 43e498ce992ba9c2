"""Every defect that the demo chain is given is found by the check that its ledger names, and nothing else is found."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import duckdb
import polars as pl
import psycopg
import pytest

from api.imports.folder import import_folder
from expectations.failing import read_failing
from expectations.rules import read_rules
from ims.demo.generate import write_chain
from ims.postgres import Databases
from ims.settings import Settings
from pipelines.extract import extract
from pipelines.held_back import hold_back
from pipelines.transform import build_all
from warehouse.lake import connect

pytestmark = pytest.mark.slow
NAMELESS = {"customer_doubled", "sphere_sign_flipped"}  # the warehouse knows neither codes nor numbers of these
# what a sound chain is told of, too: counts that nobody made, credit that is not paid yet
USUAL = {"raw.walk_in_counts.every_trading_day_is_counted", "marts.fct_receivables.orders_are_paid_within_90_days"}


@pytest.fixture(scope="module")
def spoiled(
    server: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[duckdb.DuckDBPyConnection, pl.DataFrame]]:
    """The warehouse of the ci chain with its defects, and the ledger of these."""
    home = tmp_path_factory.mktemp("spoiled")
    summary = write_chain(home / "chain", defects=home)
    name = f"t_{uuid.uuid4().hex[:12]}"
    databases = Databases(*(_named(server.operational, name + suffix) for suffix in ("", "_lake", "_dagster")))
    with psycopg.connect(_named(server.operational, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE ims STRATEGY FILE_COPY")
        admin.execute(f"CREATE DATABASE {name}_lake")
        import_folder(home / "chain", databases.operational, reports=home / "imports", is_quarantine=True)
        con = connect(databases, Settings(home=home / "home", _env_file=None))
        extract(con, databases, key=b"0" * 32)
        hold_back(con, ())
        build_all(con, summary.as_of)
        yield con, pl.read_csv(home / "defects.csv")
        con.close()
        for suffix in ("", "_lake"):
            admin.execute(f"DROP DATABASE {name}{suffix} WITH (FORCE)")


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def test_each_defect_is_found_by_its_check(spoiled: tuple[duckdb.DuckDBPyConnection, pl.DataFrame]) -> None:
    con, ledger = spoiled
    rules = {f"{c.table}.{c.name}": c for _, checks in read_rules().values() for c in checks}
    for (defect, check), rows in ledger.group_by("defect", "check", maintain_order=True):
        failing = [" ".join(map(str, row.values())) for row in read_failing(con, rules[str(check)], limit=1_000_000)]
        assert len(failing) >= rows["key"].n_unique(), f"{defect}: {check} found {len(failing)}"
        if defect not in NAMELESS:
            missed = [k for k in rows["key"] if not any(all(word in row for word in k.split()) for row in failing)]
            assert not missed, f"{defect}: {check} missed {missed[:5]}"


def test_nothing_is_found_that_the_ledger_does_not_say(spoiled: tuple[duckdb.DuckDBPyConnection, pl.DataFrame]) -> None:
    con, ledger = spoiled
    checks = {f"{c.table}.{c.name}": c for _, some in read_rules().values() for c in some}
    found = {
        name: [" ".join(map(str, row.values())) for row in read_failing(con, check, limit=1_000_000)]
        for name, check in checks.items()
        if not check.table.startswith("outputs.")
    }
    assert {name for name, rows in found.items() if rows} - USUAL == set(ledger["check"])
    unknown = {}
    for (check,), told in ledger.group_by("check"):
        rows, keys = found[str(check)], [key.split() for key in told["key"]]
        if NAMELESS & set(told["defect"]):
            assert len(rows) == 2 * len(told), check  # both records of a customer, both eyes
        else:
            unknown[check] = [row for row in rows if not any(all(word in row for word in key) for key in keys)]
    assert not {check: rows[:3] for check, rows in unknown.items() if rows}
