"""Defects of the demo chain: at their rates, only where the ledger says, the same each time, each with its check."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ims.demo.defects.money import CUT_ON
from ims.demo.generate import write_chain

RULES = Path("expectations/rules")
AS_OF = date(2026, 1, 5)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`clean`, and `spoiled` with its ledger in `told`."""
    home = tmp_path_factory.mktemp("defects")
    write_chain(home / "clean")
    write_chain(home / "spoiled", defects=home / "told")
    return home


@pytest.fixture(scope="module")
def ledger(folders: Path) -> pl.DataFrame:
    return pl.read_csv(folders / "told" / "defects.csv")


def read(folder: Path, file: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"{file}.csv", try_parse_dates=True, infer_schema_length=None)


def test_every_defect_names_a_check_that_exists(ledger: pl.DataFrame) -> None:
    for check in ledger["check"].unique():
        schema, table, rule = check.split(".")
        rules = tomllib.loads((RULES / schema / f"{table}.toml").read_text())["rule"]
        assert rule in {r["name"] for r in rules}, check


def test_the_same_seed_spoils_the_same(folders: Path, tmp_path: Path) -> None:
    write_chain(tmp_path / "again", defects=tmp_path / "told")
    for file in ("defects.csv",):
        assert (tmp_path / "told" / file).read_bytes() == (folders / "told" / file).read_bytes()
    for path in (folders / "spoiled").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_rates_are_those_of_the_domain(folders: Path, ledger: pl.DataFrame) -> None:
    counts = dict(ledger.group_by("defect").len().iter_rows())
    products = len(read(folders / "clean", "products"))
    assert counts["blank_barcode"] == pytest.approx(0.05 * products, rel=0.2)
    assert counts["customer_doubled"] == pytest.approx(0.04 * len(read(folders / "clean", "customers")), rel=0.1)
    assert (counts["product_unknown"], counts["day_missing"], counts["day_doubled"]) == (10, 2, 1)
    assert (counts["future_order"], counts["order_before_opening"], counts["price_above_mrp"]) == (5, 5, 3)


def test_nothing_else_changes(folders: Path, ledger: pl.DataFrame) -> None:
    followers = "sales_order_lines payments prescriptions lab_jobs lab_job_events remakes non_adapts sales_returns"
    touched = set(ledger["file"]) | set(followers.split()) | {"sales_return_lines", "walkouts"}
    for path in (folders / "clean").glob("*.csv"):
        same = path.read_bytes() == (folders / "spoiled" / path.name).read_bytes()
        assert same or path.stem in touched, path.name


def test_a_day_that_was_sent_twice_has_every_order_twice(folders: Path, ledger: pl.DataFrame) -> None:
    store, day = ledger.filter(defect="day_doubled")["key"][0].split()
    orders = read(folders / "spoiled", "sales_orders").filter(
        pl.col("store_code") == store,
        pl.col("ordered_on") == date.fromisoformat(day),
        pl.col("status").is_in(["draft", "cancelled"]).not_(),
    )
    twins = orders.group_by(pl.col("order_ref").str.strip_suffix("D")).len()
    assert (twins["len"] == 2).all()


def test_a_day_that_was_not_sent_has_no_order_and_nothing_hangs_in_the_air(folders: Path, ledger: pl.DataFrame) -> None:
    known = set(read(folders / "spoiled", "sales_orders")["order_ref"])
    for file in ("sales_order_lines", "payments", "lab_jobs", "sales_returns"):
        assert set(read(folders / "spoiled", file)["order_ref"]) <= known, file
    orders = read(folders / "spoiled", "sales_orders")
    for key in ledger.filter(defect="day_missing")["key"]:
        store, day = key.split()
        assert orders.filter(pl.col("store_code") == store, pl.col("ordered_on") == date.fromisoformat(day)).is_empty()


def test_tax_at_a_wrong_rate_still_adds_up_from_line_to_order(folders: Path, ledger: pl.DataFrame) -> None:
    lines = read(folders / "spoiled", "sales_order_lines")
    wrong = lines.filter(pl.col("sold_on").is_between(CUT_ON, AS_OF, closed="left"), tax_rate=0.12)
    told = wrong.select(pl.format("{} {} {}", "store_code", "sku", "sold_on")).to_series()
    assert set(told) == set(ledger.filter(defect="wrong_tax_rate")["key"])
    lines = lines.join(wrong.select("order_ref"), on="order_ref", how="semi")
    sums = lines.group_by("order_ref").agg(pl.col("line_total").sum().round(2))
    heads = read(folders / "spoiled", "sales_orders").join(sums, on="order_ref")
    assert len(heads) == len(wrong)
    assert (heads["total_amount"] == heads["line_total"]).all()


def test_the_ledger_lies_outside_of_the_chain(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside the chain folder"):
        write_chain(tmp_path / "chain", defects=tmp_path / "chain" / "told")
