"""`ims bench forecast` on a folder of a few series: read as the marts are built, windows judged, the page told."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ims.bench.forecast.chain import find_chain, read_chain
from ims.bench.forecast.page import forecast_report, parts_report, targets_report, write_page
from ims.bench.forecast.run import bench_forecast, list_origins
from ims.bench.forecast.scale import bench_scale, scale_report
from ims.bench.forecast.seen import see
from ims.failure import WrongInput
from models.features.panel import build_panel

AS_OF, WEEKS = date(2024, 1, 1), 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chains") / "tiny"
    path.mkdir()
    (path / "chain.toml").write_text(f'name = "Tiny"\nas_of = "{AS_OF}"\nsales_grain = "week"\n')
    (path / "stores.csv").write_text("store_code,name,kind\nA,Store A,store\nB,Store B,store\n")
    skus = [f"K{i}" for i in range(12)]
    (path / "products.csv").write_text("sku,name,category\n" + "".join(f"{sku},{sku},Frames\n" for sku in skus))
    rng = np.random.default_rng(1)
    mondays = [AS_OF - timedelta(weeks=back) for back in range(WEEKS, 0, -1)]
    rows = [
        (monday, store, sku, int(rng.poisson(6)))
        for store in "AB"
        for sku in skus
        for monday in mondays
        if (store, sku) != ("A", "K0") or monday < date(2023, 10, 2)
    ]
    lines = "".join(f"{monday},{store},{sku},{units}\n" for monday, store, sku, units in rows if units)
    (path / "sales.csv").write_text("sold_on,store_code,sku,quantity\n" + lines)
    (path / "availability.csv").write_text(
        "store_code,sku,from_date,to_date,in_stock\nA,K0,,2023-10-01,true\nA,K0,2023-10-02,,false\n"
    )
    return path


def test_a_folder_is_read_as_the_marts_are_built(folder: Path) -> None:
    chain = read_chain(folder)
    assert chain.catalog.height == 24
    one = chain.demand.filter(pl.col("store_code") == "A", pl.col("sku") == "K0")
    gone = one.filter(pl.col("week_starting_on") >= date(2023, 10, 2))
    assert gone["in_stock_share"].to_list() == [0.0] * gone.height
    assert one.filter(pl.col("week_starting_on") < date(2023, 10, 2))["in_stock_share"].min() == 1.0


def test_an_unknown_chain_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="no chain folder 'vn9'"):
        find_chain("vn9", tmp_path)


def test_windows_end_at_the_end_and_overlap_only_where_history_is_short() -> None:
    assert list_origins(157, 10) == list(range(117, 154, 4))
    assert list_origins(64, 10) == list(range(42, 61, 2))


def test_a_peer_sees_gaps_filled_and_sums_counted_from_the_end(folder: Path) -> None:
    chain = read_chain(folder)
    seen = see(build_panel(chain.demand, chain.catalog, AS_OF), np.arange(24))
    assert seen.units[0, -1] > 2, "the empty shelf looks like the weeks around it"
    np.testing.assert_allclose(seen.blocks().units[:, -1], seen.units[:, -3:].sum(axis=1))


def test_every_method_is_judged_and_the_page_tells_it(folder: Path) -> None:
    found = bench_forecast(read_chain(folder), 2, 20, lambda *_: None)
    assert {"ims", "LightGBM quantiles", "seasonal naive"} <= set(found["methods"])
    for method in found["methods"].values():
        assert len(method["windows"]) == 2
        assert 0 < method["mean"]["wql"] < 1.5
        assert method["mean"]["peak_mb"] > 0
    assert found["methods"]["ims"]["mean"]["wql"] < found["methods"]["seasonal naive"]["mean"]["wql"]
    assert {row[-1] for row in targets_report(found)} <= {"reached", "misses", ""}
    assert "20 series judged" in forecast_report(found)[0]
    told = found | {
        "command": "ims bench forecast",
        "at": {"day": "today", "commit": "abc"},
        "machine": {"cores": 2, "processor": "one", "load": "0.1"},
    }
    page = write_page([told])
    assert "## Tiny" in page
    other = page.replace("## Tiny", "## Other").replace("today", "yesterday")
    both = write_page([told], other)
    assert (both.count("## Tiny"), both.count("## Other")) == (1, 1)
    assert write_page([told | {"at": {"day": "now", "commit": "b"}}], both) == both.replace(
        "today, commit abc", "now, commit b"
    )
    for name in ("ims", "LightGBM quantiles"):
        method = found["methods"][name]
        for split in ("week ", "level "):
            parts = [loss for part, loss in method["parts"].items() if part.startswith(split)]
            assert sum(parts) == pytest.approx(method["mean"]["wql"])
    told_parts = [row[0] for row in parts_report(found, "LightGBM quantiles")]
    assert "2 to 10" in told_parts
    assert "under .5 a week" not in told_parts, "nothing sells so little"


def test_copies_of_stores_are_forecast_and_planned_group_by_group(folder: Path) -> None:
    found = bench_scale(read_chain(folder), 2, lambda *_: None)
    assert found["series"] == 48
    assert [group["rows"] for group in found["groups"]] == [24 * 16 + 24] * 2
    assert "48 series in" in scale_report(found)[-1]
