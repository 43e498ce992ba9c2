"""The ci demo chain as written to disk: the contract's columns, sound keys, the shape of the business, same bytes."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from ims.demo.generate import DemoSummary, write_chain

COLUMNS = {
    "stores": "store_code name kind city region cluster opened_on closed_on",
    "products": "sku name category subcategory brand unit_price unit_cost tax_rate launched_on discontinued_on "
    "attributes",
    "vendors": "vendor_code name",
    "supply": "sku vendor_code lead_time_days review_period_days store_code lead_time_sd_days moq pack_size unit_cost",
    "sales": "sold_on store_code sku quantity sold_at net_amount order_ref line_ref customer_ref",
    "availability": "store_code sku from_date to_date in_stock",
    "stock": "as_of store_code sku on_hand",
    "open_orders": "order_ref store_code sku quantity expected_on vendor_code",
    "assortment": "store_code sku from_date to_date display_min",
}
KEYS = {
    "stores": ["store_code"],
    "products": ["sku"],
    "vendors": ["vendor_code"],
    "supply": ["sku", "store_code"],
    "sales": ["order_ref", "line_ref"],
    "availability": ["store_code", "sku", "from_date"],
    "stock": ["store_code", "sku"],
    "open_orders": ["order_ref", "store_code", "sku"],
    "assortment": ["store_code", "sku"],
}
REQUIRED = {
    "stores": ["store_code", "name"],
    "products": ["sku", "name", "category"],
    "supply": ["sku", "vendor_code", "lead_time_days", "review_period_days"],
    "sales": ["sold_on", "store_code", "sku", "quantity"],
    "availability": ["store_code", "sku", "from_date", "in_stock"],
    "stock": ["as_of", "store_code", "sku", "on_hand"],
    "open_orders": ["order_ref", "store_code", "sku", "quantity", "expected_on"],
    "assortment": ["store_code", "sku"],
}
AS_OF = date(2026, 1, 5)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds `chain`, `week-1` and `truth`."""
    home = tmp_path_factory.mktemp("demo")
    write_chain(home / "chain", then_weeks=1, truth=home / "truth")
    return home


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    """The summary of the same chain, written alone."""
    return write_chain(tmp_path_factory.mktemp("alone") / "chain")


@cache
def read(folder: Path, file: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"{file}.csv", try_parse_dates=True, infer_schema_length=None)


def hash_files(folder: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir())}


def test_same_arguments_write_the_same_bytes_and_later_weeks_change_nothing(chain: Path, summary: DemoSummary) -> None:
    assert hash_files(chain / "chain") == hash_files(summary.folder)
    assert len(hash_files(summary.folder)) == len(COLUMNS) + 1


def test_another_seed_writes_another_chain(tmp_path: Path, summary: DemoSummary) -> None:
    write_chain(tmp_path / "chain", seed=8)
    assert hash_files(tmp_path / "chain")["sales.csv"] != hash_files(summary.folder)["sales.csv"]


def test_as_of_moves_the_whole_history(tmp_path: Path) -> None:
    moved = write_chain(tmp_path / "chain", as_of=date(2026, 11, 23))
    sales = read(tmp_path / "chain", "sales")
    assert moved.history_starts_on == date(2026, 11, 23) - timedelta(weeks=60)
    assert sales["sold_on"].min() == moved.history_starts_on
    assert sales["sold_on"].max() == date(2026, 11, 22)


@pytest.mark.parametrize("file", COLUMNS)
def test_columns_are_the_contract_and_keys_are_unique(chain: Path, file: str) -> None:
    frame = read(chain / "chain", file)
    assert frame.columns == COLUMNS[file].split()
    assert not frame.is_empty()
    assert not frame.select(KEYS[file]).is_duplicated().any()
    assert sum(frame.select(REQUIRED.get(file, [])).null_count().row(0)) == 0


def test_chain_toml_states_the_chain(chain: Path) -> None:
    stated = tomllib.loads((chain / "chain" / "chain.toml").read_text())
    assert stated == {
        "name": "Drishva Opticians (ci)",
        "currency": "INR",
        "timezone": "Asia/Kolkata",
        "as_of": "2026-01-05",
        "sales_grain": "line",
        "unmet_demand": "lost",
    }


def test_every_reference_is_known(chain: Path) -> None:
    folder = chain / "chain"
    stores, skus = set(read(folder, "stores")["store_code"]), set(read(folder, "products")["sku"])
    vendors = set(read(folder, "vendors")["vendor_code"])
    for file in ("sales", "availability", "stock", "open_orders", "assortment"):
        frame = read(folder, file)
        assert set(frame["store_code"]) <= stores
        assert set(frame["sku"]) <= skus
    assert set(read(folder, "supply")["sku"]) == skus
    assert set(read(folder, "supply")["vendor_code"]) == vendors


def test_quantities_are_whole_and_stock_is_not_negative(chain: Path) -> None:
    folder = chain / "chain"
    sales, stock, orders = read(folder, "sales"), read(folder, "stock"), read(folder, "open_orders")
    for frame, column in ((sales, "quantity"), (stock, "on_hand"), (orders, "quantity")):
        assert frame.schema[column] == pl.Int64
    assert (sales["quantity"] != 0).all()
    assert (stock["on_hand"] >= 0).all()
    assert (orders["quantity"] > 0).all()
    assert (orders["expected_on"] > AS_OF - timedelta(days=60)).all()
    assert ((sales["net_amount"] > 0) == (sales["quantity"] > 0)).all()


def test_sales_fall_on_their_business_day_after_the_store_opened(chain: Path) -> None:
    folder = chain / "chain"
    sales = read(folder, "sales").with_columns(pl.col("sold_at").dt.convert_time_zone("Asia/Kolkata"))
    assert (sales["sold_at"].dt.date() == sales["sold_on"]).all()
    assert sales["sold_at"].dt.hour().is_between(10, 20).all()
    opened = sales.join(read(folder, "stores"), on="store_code")
    assert (opened["sold_on"] >= opened["opened_on"]).all()
    assert sales["sold_on"].max() == AS_OF - timedelta(days=1)


def test_returns_undo_an_earlier_sale_of_the_same_customer(chain: Path) -> None:
    sales = read(chain / "chain", "sales")
    returned = sales.filter(pl.col("quantity") < 0)
    keys = ["store_code", "sku", "customer_ref"]
    earlier = sales.filter(pl.col("quantity") > 0).select(*keys, first_on=pl.col("sold_on")).group_by(keys).min()
    matched = returned.join(earlier, on=keys, how="left", nulls_equal=True)
    assert len(returned) > 50
    assert (matched["first_on"] < matched["sold_on"]).all()


def test_the_business_has_the_shape_it_should(chain: Path, summary: DemoSummary) -> None:
    assert 0.05 < summary.stock_out_share < 0.10
    assert 0.80 < summary.fill_share < 0.95
    assert 0.01 <= summary.return_share < 0.02
    assert 3.0 < summary.turns["frames"] < 4.5
    assert summary.turns["contact_lenses"] > summary.turns["frames"]
    assert summary.turns["solutions"] > summary.turns["frames"]
    assert 12_000 < summary.rows["sales"] < 20_000
    assert 180 <= summary.rows["products"] <= 220
    daily = read(chain / "chain", "sales").group_by("sold_on").agg(pl.col("quantity").sum())
    by_weekday = daily.group_by(pl.col("sold_on").dt.weekday()).agg(pl.col("quantity").mean()).sort("sold_on")
    index = (by_weekday["quantity"] / by_weekday["quantity"].mean()).to_list()
    assert index[5] == max(index)
    assert 1.15 < index[5] < 1.45
    assert index[1] < 0.95


def test_availability_covers_each_pair_without_overlap_and_nothing_sells_when_out(chain: Path) -> None:
    folder = chain / "chain"
    spans = read(folder, "availability").sort("store_code", "sku", "from_date")
    assert (spans["from_date"] <= spans["to_date"]).all()
    following = spans.with_columns(pl.col("from_date").shift(-1).over("store_code", "sku").alias("next_from"))
    assert (following.drop_nulls("next_from")["next_from"] > following.drop_nulls("next_from")["to_date"]).all()
    assert spans["to_date"].max() == AS_OF - timedelta(days=1)
    sold = read(folder, "sales").filter(pl.col("quantity") > 0).sort("sold_on")
    covering = sold.join(spans, on=["store_code", "sku"]).filter(
        pl.col("sold_on").is_between(pl.col("from_date"), pl.col("to_date"))
    )
    assert len(covering) == len(sold)
    assert covering["in_stock"].all()


def test_sales_never_exceed_what_was_there_and_agree_with_the_receipts(chain: Path) -> None:
    truth = pl.read_parquet(chain / "truth" / "demand-0.parquet")
    assert (truth["sales_qty"] <= truth["available_qty"]).all()
    assert (truth["sales_qty"] >= truth.select(pl.min_horizontal("demand_qty", "available_qty")).to_series()).all()
    assert (truth["demand_qty"] > truth["sales_qty"]).any()
    sold = read(chain / "chain", "sales").filter(pl.col("quantity") > 0)
    assert sold["quantity"].sum() == truth["sales_qty"].sum()
    assert not (chain / "chain" / "truth").exists()


def test_truth_inside_the_chain_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside the chain folder"):
        write_chain(tmp_path / "chain", truth=tmp_path / "chain" / "truth")


def test_unknown_profile_is_refused_with_the_names(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ci, demo, large"):
        write_chain(tmp_path / "chain", profile="huge")


def test_the_next_week_goes_on_where_the_first_folder_ends(chain: Path) -> None:
    first, week = chain / "chain", chain / "week-1"
    assert {f.name for f in week.iterdir()} == {
        "chain.toml",
        "sales.csv",
        "availability.csv",
        "stock.csv",
        "open_orders.csv",
    }
    assert tomllib.loads((week / "chain.toml").read_text())["as_of"] == "2026-01-12"
    sales, spans = read(week, "sales"), read(week, "availability")
    assert sales["sold_on"].is_between(AS_OF, AS_OF + timedelta(days=6)).all()
    assert sales["sold_on"].n_unique() == 7
    assert spans["from_date"].min() == AS_OF
    assert spans["to_date"].max() == AS_OF + timedelta(days=6)
    assert read(week, "stock")["as_of"].unique().to_list() == [AS_OF + timedelta(days=7)]
    assert set(sales["order_ref"]).isdisjoint(set(read(first, "sales")["order_ref"]))


def test_an_open_order_due_in_the_next_week_arrives_in_it(chain: Path) -> None:
    """Of pairs without sale, return or new order, stock grows by what was due (or half of it, or later if vague)."""
    first, week = chain / "chain", chain / "week-1"
    pair = ["store_code", "sku"]
    sold = read(week, "sales").group_by(pair).agg(pl.col("quantity").sum().alias("sold"))
    due = read(first, "open_orders").filter(pl.col("expected_on") < AS_OF + timedelta(days=7))
    due = due.group_by(pair).agg(pl.col("quantity").sum().alias("due"))
    moved = (
        read(first, "stock")
        .join(read(week, "stock"), on=pair, suffix="_after")
        .join(sold, on=pair, how="left")
        .join(due, on=pair, how="left")
        .with_columns(pl.col("sold", "due").fill_null(0))
        .with_columns(arrived=pl.col("on_hand_after") - pl.col("on_hand") + pl.col("sold"))
    )
    quiet = moved.filter(pl.col("due") == 0)
    assert (quiet["arrived"] <= 0).mean() > 0.9
    busy = moved.filter(pl.col("due") > 0)
    assert len(busy) > 10
    assert (busy["arrived"] >= busy["due"]).mean() > 0.75
