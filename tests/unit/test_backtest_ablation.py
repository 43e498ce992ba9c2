"""The ablation takes one thing away at a time, and its page is made of what it found."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ims.bench.backtest_chart import draw_lines, draw_stacks
from ims.bench.backtest_page import replace_section, section
from models.backtest.ablation import ABLATION_SCHEMA, VARIANTS, ablate_replay
from models.backtest.replay import Replay, forecast_replay, outline_replay
from models.backtest.run import backtest_replay, summarise_backtest
from models.backtest.windows import list_origins
from models.forecast.engine import Forecast

MONDAY, N_WEEKS, N_PAIRS = date(2022, 1, 3), 64, 12
AS_OF = MONDAY + timedelta(weeks=N_WEEKS)


def build_replay() -> Replay:
    pairs = pl.DataFrame({"store_code": ["S1"] * N_PAIRS, "sku": [f"P{i:02d}" for i in range(N_PAIRS)]})
    units = np.random.default_rng(5).poisson(np.linspace(0.5, 9, N_PAIRS)[:, None] * np.ones((1, N_WEEKS)))
    weeks = pl.DataFrame({"week_starting_on": [MONDAY + timedelta(weeks=w) for w in range(N_WEEKS)]})
    text = [pl.lit("A").alias(name) for name in ("category", "subcategory", "brand", "cluster", "region")]
    days = [pl.lit(None, pl.Date).alias(name) for name in ("launched_on", "discontinued_on")]
    money = [pl.lit(None, pl.Float64).alias(name) for name in ("unit_price", "unit_cost")]
    terms = {"vendor_code": "V", "lead_time_days": 14, "review_period_days": 7, "moq": 1, "pack_size": 1}
    costs = {"holding_cost_per_unit_week": 0.2, "shortage_cost_per_unit": 1.0, "display_min": 0}
    unknown = [pl.lit(None, pl.Float64).alias(name) for name in ("unit_cost", "service_level", "lead_time_sd_days")]
    demand = pairs.join(weeks, how="cross").with_columns(
        pl.Series("demand_qty", units.ravel().astype(float)), in_stock_share=1.0, is_complete=True
    )
    catalog = pairs.with_columns(*text, *days, *money, pl.lit(True).alias("is_in_assortment"))
    supplied = pairs.with_columns(*(pl.lit(value).alias(name) for name, value in {**terms, **costs}.items()), *unknown)
    outline = outline_replay(demand, catalog, supplied, AS_OF, "lost", n_paths=60)
    forecasts = []
    for origin in list_origins(outline.history, outline.windows):
        week = outline.history.panel.index_of(origin)
        mean = outline.history.panel.demand[:, week - 20 : week].mean(axis=1, keepdims=True) * np.ones((1, 4))
        made = (mean, np.full(N_PAIRS, 0.05), np.full(N_PAIRS, 0.05), None, np.full(N_PAIRS, "boosted_blend"))
        forecasts.append(Forecast(origin, outline.history.panel.series, *made))
    return forecast_replay(outline, demand, catalog, forecasts)


@pytest.fixture(scope="module")
def replay() -> Replay:
    return build_replay()


def test_each_variant_is_judged_on_the_windows_of_ours(replay: Replay) -> None:
    frame = ablate_replay(replay, AS_OF)
    assert dict(frame.schema) == ABLATION_SCHEMA
    assert frame["variant"].to_list() == [variant.name for variant in VARIANTS]
    ours = summarise_backtest(backtest_replay(replay, AS_OF, ["ours"])).filter(pl.col("policy") == "ours")
    assert frame["ratio"][0] == pytest.approx(ours["ratio"][0])
    assert frame["buys"][0] == 0.0
    assert (frame["windows"] == ours["windows"][0]).all()


def test_policies_meet_the_same_terms_whoever_else_is_asked(replay: Replay) -> None:
    alone = backtest_replay(replay, AS_OF, ["min_max"])
    beside = backtest_replay(replay, AS_OF, ["perfect_foresight", "min_max", "ours"])
    mine = pl.col("policy") == "min_max"
    assert alone.filter(mine).equals(beside.filter(mine))
    whole = beside.filter(pl.col("segment_by") == "all")
    demand = whole.group_by("window_starts_on").agg(pl.col("demand_qty").n_unique())
    assert demand["demand_qty"].to_list() == [1] * demand.height
    costs = whole.pivot("policy", index="window_starts_on", values="cost")
    assert (costs["perfect_foresight"] <= costs["ours"]).all()
    assert (costs["perfect_foresight"] <= costs["min_max"]).all()


def test_segments_add_up_to_the_chain(replay: Replay) -> None:
    frame = backtest_replay(replay, AS_OF, ["ours"]).filter(pl.col("policy") == "ours")
    by = frame.group_by("window_starts_on", "segment_by").agg(pl.col("cost").sum(), pl.col("pairs").sum())
    for _, rows in by.group_by("window_starts_on"):
        assert rows["cost"].to_list() == pytest.approx([rows["cost"][0]] * 4)
        assert rows["pairs"].n_unique() == 1


def test_the_page_replaces_a_chains_part_and_keeps_the_others(replay: Replay) -> None:
    tables = {"backtest": backtest_replay(replay, AS_OF), "backtest_ablation": None}
    tables |= {"backtest_edits": None, "backtest_lost_sales": None}
    part = "\n".join(section("one", "One", tables))
    assert "| ours |" in part
    page = replace_section("# Backtest\n", "two", "<!-- chain two -->\nkept\n<!-- end two -->")
    once = replace_section(page, "one", part)
    assert replace_section(once, "one", part) == once
    assert "kept" in once
    assert draw_lines("t", ["a", "b"], {"ours": [1.0, 2.0]}).endswith("</svg>\n")
    assert "<rect" in draw_stacks("t", {"ours": (1.0, 2.0)})
