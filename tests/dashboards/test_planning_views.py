"""Models, forecast of an item, power grid: figures of the metric layer, costs hidden, other stores out of reach."""

from __future__ import annotations

import dataclasses

import polars as pl
import psycopg
import pytest
import streamlit as st

from dashboards.trust.words import in_words
from tests.dashboards.tiles import values_on
from warehouse.formats import format_units
from warehouse.lake import connect, current_snapshot
from warehouse.metrics import query
from warehouse.outputs import read_output
from warehouse.scope import Scope


@pytest.fixture
def lake(world):
    con = connect(world.installation.databases, world.installation.settings, snapshot=world.snapshot_id, read_only=True)
    yield con
    con.close()


def test_replays_tell_no_money_to_who_may_not_see_costs(world, site, lake) -> None:
    for name in ("replays", "replay_means", "ablation", "decisions"):
        frame = read_output(lake, name, sees_cost=False)
        assert not [column for column in frame.columns if "cost" in column or "value" in column], name
    assert "cost" in read_output(lake, "replays", sees_cost=True).columns
    for role, sees in (("analyst", False), ("buyer", True)):
        site.sign_in(world.installation, role)
        page = site.open_view(world.installation, "Models and back-tests")
        assert not page.exception
        columns = {str(name) for frame in page.dataframe for name in frame.value.columns}
        assert bool({"cost", "saved"} & columns) == sees, role


def test_methods_are_named_in_sentences() -> None:
    assert in_words("mean_52 replaces boosted_blend") == "mean of the year replaces boosted blend"


def test_an_item_in_the_address_is_shown_with_the_metric_layers_figure(world, site, lake) -> None:
    site.sign_in(world.installation)
    page = site.open_view(world.installation, "Forecast of an item", store="S02", sku="FR-1003")
    assert not page.exception
    assert page.selectbox(key="sku").value == "FR-1003"
    where = {"store": "S02", "sku": "FR-1003"}
    expected = query(lake, ["forecast_28d_units"], (), where, scope=Scope(None, True))["forecast_28d_units"][0]
    assert values_on(page)["Wanted in four weeks"] == format_units(expected)


def test_an_item_of_another_store_is_not_to_be_had_by_its_address(world, site, monkeypatch) -> None:
    monkeypatch.setattr(st, "secrets", {"databases": dataclasses.asdict(world.installation.databases)})
    site.sign_in(world.installation, "manager", ("S01",))
    page = site.open_view(world.installation, "Forecast of an item", store="S02", sku="FR-1003")
    assert not page.exception
    assert page.selectbox(key="store").value is None
    assert all("S01" in name for name in page.session_state["files"])
    rows = [take() for name, take in page.session_state["files"].items() if name.endswith("csv")]
    assert set(pl.read_csv(rows[0])["store_code"]) == {"S01"}


def test_the_power_grid_is_what_the_metric_layer_says(world, site, lake, monkeypatch) -> None:
    monkeypatch.setattr(st, "secrets", {"databases": dataclasses.asdict(world.installation.databases)})
    site.sign_in(world.installation)
    page = site.open_view(world.installation, "Lens power grid", store="S02", figure="power_units")
    assert not page.exception
    by = ("sphere", "cylinder")
    expected = query(lake, ["power_units"], by, {"store": "S02", "lens_line": "x"}, scope=Scope(None, True))
    take = next(take for name, take in page.session_state["files"].items() if name.endswith("csv"))
    shown = pl.read_csv(take(), schema_overrides={"sphere": pl.String, "cylinder": pl.String})
    assert shown.filter(pl.col("power_units").is_not_null()).select(*by, "power_units").rows() == expected.rows()


def empty(world, *names: str) -> None:
    """Publish the world without what these tables hold."""
    con = connect(world.installation.databases, world.installation.settings)
    for name in names:
        con.execute(f"DELETE FROM lake.outputs.{name}")
    snapshot = current_snapshot(con)
    con.close()
    with psycopg.connect(world.installation.databases.operational) as connection:
        connection.execute("UPDATE publications SET snapshot_id = %s", (snapshot,))


def test_before_anything_was_judged_the_models_view_teaches(world, site) -> None:
    empty(world, "forecast_alerts", "forecast_champions", "forecast_models", "forecast_monitor", "backtest")
    site.sign_in(world.installation, "analyst")
    page = site.open_view(world.installation, "Models and back-tests")
    assert not page.exception
    assert "Nothing can be said yet" in page.info[0].value
    assert "ims backtest" in site.words(page)


def test_until_a_forecast_week_is_over_trials_on_the_past_are_told_to_who_sees_the_chain(world, site) -> None:
    site.sign_in(world.installation, "analyst")
    assert not site.open_view(world.installation, "Forecasts").info, "past weeks were judged: figures stand there"
    empty(world, "forecast_alerts", "forecast_monitor", "forecast_scores")
    for name in ("Forecasts", "Models and back-tests"):
        page = site.open_view(world.installation, name)
        assert not page.exception
        assert "No forecast week is over yet" in page.info[0].value, name
        assert "Tried at" in page.info[0].value, name
    site.sign_in(world.installation, "manager", ("S01",))
    page = site.open_view(world.installation, "Forecasts")
    assert not page.exception
    assert "No forecast week is over yet" in page.info[0].value
    assert "Tried at" not in page.info[0].value
