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
    "stores": "store_code name kind city region cluster opened_on closed_on legal_entity state_code "
    "floor_area_sqft frame_board_capacity",
    "products": "sku name category subcategory brand unit_price unit_cost tax_rate launched_on discontinued_on "
    "attributes is_never_reordered tax_class discount_class hsn_code mrp barcode style_code colour_name "
    "size_label lifecycle",
    "vendors": "vendor_code name",
    "supply": "sku vendor_code lead_time_days review_period_days store_code lead_time_sd_days moq pack_size unit_cost",
    "sales_order_lines": "order_ref store_code line_ref sku quantity sold_on sold_at net_amount mrp unit_price "
    "discount_share discount_amount tax_rate tax_amount line_total cost_at_sale prescription_number pair_group eye",
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
    "sales_order_lines": ["order_ref", "line_ref"],
    "availability": ["store_code", "sku", "from_date"],
    "stock": ["store_code", "sku"],
    "open_orders": ["order_ref", "store_code", "sku"],
    "assortment": ["store_code", "sku"],
}
REQUIRED = {
    "stores": ["store_code", "name"],
    "products": ["sku", "name", "category"],
    "supply": ["sku", "vendor_code", "lead_time_days", "review_period_days"],
    "sales_order_lines": ["sold_on", "store_code", "sku", "quantity", "net_amount", "cost_at_sale"],
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


def read_sales(folder: Path) -> pl.DataFrame:
    """Lines of orders that were confirmed and not cancelled."""
    billable = pl.col("status").is_in(["draft", "cancelled"]).not_()
    return read(folder, "sales_order_lines").join(
        read(folder, "sales_orders").filter(billable).select("order_ref"), on="order_ref"
    )


def hash_files(folder: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir())}


def test_same_arguments_write_the_same_bytes_and_later_weeks_change_nothing(chain: Path, summary: DemoSummary) -> None:
    assert hash_files(chain / "chain") == hash_files(summary.folder)
    assert set(COLUMNS) <= {name.split(".")[0] for name in hash_files(summary.folder)}


def test_another_seed_writes_another_chain(tmp_path: Path, summary: DemoSummary) -> None:
    write_chain(tmp_path / "chain", seed=8)
    other = hash_files(tmp_path / "chain")["sales_order_lines.csv"]
    assert other != hash_files(summary.folder)["sales_order_lines.csv"]


def test_as_of_moves_the_whole_history(tmp_path: Path) -> None:
    moved = write_chain(tmp_path / "chain", as_of=date(2026, 11, 23))
    sales = read_sales(tmp_path / "chain")
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
    for file in ("sales_order_lines", "availability", "stock", "open_orders", "assortment"):
        frame = read(folder, file)
        assert set(frame["store_code"]) <= stores
        assert set(frame["sku"]) <= skus
    made = read(folder, "products").filter("is_never_reordered")["sku"]
    assert set(read(folder, "supply")["sku"]) == skus - set(made)
    assert set(read(folder, "supply")["vendor_code"]) <= vendors


def test_quantities_are_whole_and_stock_is_not_negative(chain: Path) -> None:
    folder = chain / "chain"
    sales, stock, orders = read(folder, "sales_order_lines"), read(folder, "stock"), read(folder, "open_orders")
    for frame, column in ((sales, "quantity"), (stock, "on_hand"), (orders, "quantity")):
        assert frame.schema[column] == pl.Int64
    assert (sales["quantity"] > 0).all()
    assert (stock["on_hand"] >= 0).all()
    assert (orders["quantity"] > 0).all()
    assert (orders["expected_on"] > AS_OF - timedelta(days=60)).all()
    assert (sales["net_amount"] > 0).all()


def test_sales_fall_on_their_business_day_after_the_store_opened(chain: Path) -> None:
    folder = chain / "chain"
    sales = read(folder, "sales_order_lines").with_columns(pl.col("sold_at").dt.convert_time_zone("Asia/Kolkata"))
    assert (sales["sold_at"].dt.date() == sales["sold_on"]).all()
    assert sales["sold_at"].dt.hour().is_between(10, 20).all()
    opened = sales.join(read(folder, "stores"), on="store_code")
    assert (opened["sold_on"] >= opened["opened_on"]).all()
    assert sales["sold_on"].max() == AS_OF - timedelta(days=1)


def test_the_business_has_the_shape_it_should(chain: Path, summary: DemoSummary) -> None:
    assert 0.03 < summary.stock_out_share < 0.08
    assert 0.80 < summary.fill_share < 0.95
    assert 0.01 <= summary.return_share < 0.02
    assert 3.0 < summary.turns["frames"] < 5.0  # a wall of 100 styles turns a little faster than one of 550
    assert summary.turns["contact_lenses"] > summary.turns["frames"]
    assert summary.turns["solutions"] > summary.turns["frames"]
    assert 12_000 < summary.rows["sales_order_lines"] < 20_000
    daily = read_sales(chain / "chain").group_by("sold_on").agg(pl.col("quantity").sum())
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
    stocked = (
        read(folder, "stock_moves")
        .filter(kind="sale")
        .select(order_ref="reference", sku="sku", store_code="source_store_code")
    )
    sold = read_sales(folder).join(stocked.unique(), on=["order_ref", "sku", "store_code"]).sort("sold_on")
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
    moves = read(chain / "chain", "stock_moves").filter(pl.col("kind") == "sale")
    special = moves.filter(pl.col("reference").str.starts_with("SO-"))
    assert moves["quantity"].sum() - special["quantity"].sum() == truth["sales_qty"].sum()
    assert not (chain / "chain" / "truth").exists()


def test_truth_inside_the_chain_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside the chain folder"):
        write_chain(tmp_path / "chain", truth=tmp_path / "chain" / "truth")


def test_successors_share_a_style_and_every_product_says_where_in_its_life_it_is(chain: Path) -> None:
    products = read(chain / "chain", "products").filter(pl.col("category").is_in(["Frames", "Sunglasses"]))
    assert set(products["lifecycle"]) == {"NEW", "CORE", "SEASONAL", "DISCONTINUED"}
    assert (products.filter(lifecycle="NEW")["launched_on"] >= AS_OF - timedelta(days=90)).all()
    assert (products.filter(lifecycle="DISCONTINUED")["discontinued_on"] <= AS_OF).all()
    ended = products.filter(pl.col("discontinued_on") < AS_OF - timedelta(days=28))  # later, the next is not yet there
    ended = ended.select("style_code", launched_on="discontinued_on")
    followed = ended.join(products, on=["style_code", "launched_on"], how="semi")
    assert len(followed) == len(ended) > 10


def test_unknown_profile_is_refused_with_the_names(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ci, demo, large"):
        write_chain(tmp_path / "chain", profile="huge")


def test_the_next_week_goes_on_where_the_first_folder_ends(chain: Path) -> None:
    first, week = chain / "chain", chain / "week-1"
    masters = {"stores.csv", "products.csv", "supply.csv", "tax_rates.csv", "price_history.csv", "users.csv"}
    assert masters.isdisjoint(f.name for f in week.iterdir())
    assert tomllib.loads((week / "chain.toml").read_text())["as_of"] == "2026-01-12"
    sales, spans = read_sales(week), read(week, "availability")
    assert sales["sold_on"].is_between(AS_OF, AS_OF + timedelta(days=6)).all()
    assert sales["sold_on"].n_unique() == 7
    assert spans["from_date"].min() == AS_OF
    assert spans["to_date"].max() == AS_OF + timedelta(days=6)
    assert read(week, "stock")["as_of"].unique().to_list() == [AS_OF + timedelta(days=7)]
    assert set(sales["order_ref"]).isdisjoint(set(read_sales(first)["order_ref"]))


def test_an_open_order_due_in_the_next_week_arrives_in_it(chain: Path) -> None:
    first, week = chain / "chain", chain / "week-1"
    due = read(first, "open_orders").filter(pl.col("expected_on") < AS_OF + timedelta(days=7))
    came = due.join(read(week, "goods_receipt_lines"), on=["order_ref", "store_code", "sku"])
    assert len(due) > 10
    assert len(came) > 0.6 * len(due)
