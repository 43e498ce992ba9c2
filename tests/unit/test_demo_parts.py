"""The parts of the demo chain: powers, lives, calendar, orders; the invariants for any seed; the larger profile."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ims.demo.days import BURN_IN_DAYS, date_days
from ims.demo.folder import write_table
from ims.demo.generate import DemoSummary, write_chain
from ims.demo.lifecycle import CORE, STYLE, curve, draw_lives, swing
from ims.demo.optics import rank_cells
from ims.demo.parameters import read_categories, read_profile
from ims.demo.seasons import index_days
from ims.demo.streams import open_stream


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    return write_chain(tmp_path_factory.mktemp("large") / "chain", profile="demo")


def read_any(folder: Path, file: str) -> pl.DataFrame:
    parquet = folder / f"{file}.parquet"
    return pl.read_parquet(parquet) if parquet.exists() else pl.read_csv(folder / f"{file}.csv")


@settings(max_examples=6)
@given(seed=st.integers(0, 2**31 - 1))
def test_for_any_seed_sales_are_what_demand_and_stock_allow(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Invariants only: how often shelves are empty depends on the seed, and is held by test_demo_statistics.
    home = tmp_path_factory.mktemp("seed")
    write_chain(home / "chain", seed=seed, truth=home / "truth")
    truth = pl.read_parquet(home / "truth" / "demand-0.parquet")
    assert (truth["available_qty"] >= 0).all()
    assert (truth["sales_qty"] <= truth["available_qty"]).all()
    assert (truth["sales_qty"] >= truth.select(pl.min_horizontal("demand_qty", "available_qty")).to_series()).all()


def test_thirty_cells_serve_about_half_of_all_eyes() -> None:
    cells = rank_cells(seed=7)
    assert 0.45 < cells["share"].head(29).sum() < 0.60
    assert cells["share"].is_sorted(descending=True)
    assert cells["sph"].is_between(-6, 4).all()
    assert cells["cyl"].is_between(-2, 0).all()


def test_styles_succeed_each_other_in_their_slot_without_a_gap() -> None:
    frames = read_categories()[0]
    lives = draw_lives(frames, 100, 420, open_stream(1, "lives"))
    styles = lives.kind == STYLE
    for slot in np.unique(lives.slot[styles]):
        own = np.nonzero(styles & (lives.slot == slot))[0]
        assert (lives.launch_day[own][1:] == lives.end_day[own][:-1]).all()
    assert (lives.launch_day < 420 - 28).all()


def test_core_lines_are_flat_and_styles_fade() -> None:
    frames = read_categories()[0]
    lives = draw_lives(frames, 100, 420, open_stream(1, "lives"))
    day = np.arange(420)
    factors = curve(lives, frames, day, day % 365)
    assert (factors[lives.kind == CORE] == 1.0).all()
    ended = np.nonzero((lives.kind == STYLE) & (lives.launch_day >= 0) & (lives.end_day < 400))[0]
    assert len(ended) > 0
    for sku in ended:
        launch, end = lives.launch_day[sku], lives.end_day[sku]
        assert factors[sku, launch + 28] > 2 * factors[sku, end - 1]
        assert (factors[sku, :launch] == 0.0).all()


def test_sunglasses_peak_in_may_frames_before_diwali_and_nobody_shops_on_the_day() -> None:
    categories = read_categories()
    start = date(2024, 1, 1)
    index = dict(zip([c.key for c in categories], index_days(categories, start, 366, start), strict=True))
    month = np.array([(start + timedelta(days=i)).month for i in range(366)])
    with_seasonal_lines = {
        c.key: index[c.key] * (1 + c.seasonal_share * swing(c, np.arange(1, 367))) for c in categories
    }
    sunglasses = [with_seasonal_lines["sunglasses"][month == m].mean() for m in range(1, 13)]
    frames = [with_seasonal_lines["frames"][month == m].mean() for m in range(1, 13)]
    assert int(np.argmax(sunglasses)) + 1 in (4, 5)
    assert int(np.argmax(frames)) + 1 == 10
    diwali = (date(2024, 11, 1) - start).days
    assert index["frames"][diwali] < 0.6 * index["frames"][diwali - 1]


def test_days_count_from_the_start_of_the_history() -> None:
    dates = date_days(date(2025, 1, 6), np.array([-1, 0, 6]))
    assert dates.to_list() == [date(2025, 1, 5), date(2025, 1, 6), date(2025, 1, 12)]


@pytest.mark.slow
def test_parquet_has_types_and_the_same_bytes_each_time(tmp_path: Path, demo: DemoSummary) -> None:
    sales = pl.read_parquet(demo.folder / "sales_order_lines.parquet")
    assert sales.schema["sold_on"] == pl.Date
    assert sales.schema["sold_at"] == pl.Datetime("us", "UTC")
    assert sales.schema["net_amount"] == pl.Decimal(14, 2)
    write_table(tmp_path, "sales_order_lines", sales, as_parquet=True)
    again, first = tmp_path / "sales_order_lines.parquet", demo.folder / "sales_order_lines.parquet"
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(first.read_bytes()).digest()


@pytest.mark.slow
def test_the_demo_profile_has_its_size_and_shape(demo: DemoSummary) -> None:
    assert demo.rows["products"] > 6_000
    assert demo.rows["stores"] == 13
    assert demo.rows["sales_order_lines"] > 250_000
    assert 0.06 < demo.stock_out_share < 0.09
    assert 2.9 < demo.turns["frames"] < 4.0
    assert 0.01 < demo.return_share < 0.02


@pytest.mark.slow
def test_the_warehouse_holds_stock_and_sells_nothing_and_a_closed_store_holds_none(demo: DemoSummary) -> None:
    stores = pl.read_csv(demo.folder / "stores.csv", try_parse_dates=True)
    stock = read_any(demo.folder, "stock")
    sold = pl.read_parquet(demo.folder / "sales_order_lines.parquet")
    warehouse = stores.filter(pl.col("kind") == "warehouse")["store_code"].to_list()
    assert stock.filter(pl.col("store_code").is_in(warehouse))["on_hand"].sum() > 100
    assert sold.filter(pl.col("store_code").is_in(warehouse)).is_empty()
    closed = stores.drop_nulls("closed_on")
    assert len(closed) == 1
    assert stock.filter(pl.col("store_code").is_in(closed["store_code"].to_list())).is_empty()
    last = sold.join(closed, on="store_code").select(pl.col("sold_on").max(), pl.col("closed_on").max()).row(0)
    assert last[0] < last[1]


def test_progress_is_told_from_first_to_last(tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    write_chain(tmp_path / "chain", progress=lambda what, done, total: heard.append((what, done, total)))
    days = read_profile("ci").weeks * 7 + BURN_IN_DAYS
    assert ("Living the chain's history", days, days) in heard
    assert heard[-1] == ("Writing the chain folder", 1, 1)


def test_a_folder_written_over_leaves_no_file_of_the_other_kind(tmp_path: Path) -> None:
    folder = tmp_path / "chain"
    folder.mkdir()
    (folder / "stock.parquet").write_bytes(b"older")
    write_chain(folder)
    assert not (folder / "stock.parquet").exists()
    assert (folder / "stock.csv").exists()
