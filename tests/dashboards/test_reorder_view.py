"""The Reorder view on a published world, through the whole site: session, pointer, filters, receipt, messages."""

from __future__ import annotations

import dataclasses

import psycopg

from api.database import create_engine
from api.publications import rollback
from tests.dashboards.tiles import values_on


def test_the_list_its_tiles_its_receipt_and_its_filters(world, site) -> None:
    site.sign_in(world.installation)
    page = site.open_view(world.installation, "Reorder")
    assert not page.exception
    engine = create_engine(world.installation.databases.operational)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT s.priority, s.suggested_qty, s.reason, p.category, st.store_code FROM suggestions s "
            "JOIN products p USING (product_id) JOIN stores st USING (store_id) WHERE state = 'proposed'"
        ).all()
    engine.dispose()
    shown = page.dataframe[0].value
    assert shown["at_stake"].tolist() == sorted((float(row[0]) for row in rows), reverse=True)
    tiles = values_on(page)
    assert tiles["Lines to decide"] == str(len(rows))
    assert tiles["Units"] == str(sum(row[1] for row in rows))
    assert tiles["Stock-outs ahead"] == str(sum(row[2] == "PROJECTED_STOCKOUT" for row in rows))
    text = site.words(page)
    assert f"Snapshot {world.snapshot_id}" in text
    assert "41 checks passed, 1 warning" in text
    assert "on hand" in text
    assert "is expected to save" in text
    assert len(page.get("plotly_chart")) == 2

    page.selectbox(key="store").set_value("S02").run()
    page.selectbox(key="category").set_value("Frames").run()
    assert not page.exception
    expected = [row for row in rows if row[3] == "Frames" and row[4] == "S02"]
    assert len(page.dataframe[0].value) == len(expected) > 0
    assert page.query_params["store"] == "S02"
    assert page.query_params["category"] == "Frames"

    again = site.open_view(world.installation, "Reorder", store="S02", category="Frames")
    assert again.dataframe[0].value["sku"].tolist() == page.dataframe[0].value["sku"].tolist()
    assert len(site.open_view(world.installation, "Reorder", store="nowhere").dataframe[0].value) == len(rows)


def test_going_back_shows_at_the_next_look(world, site) -> None:
    site.sign_in(world.installation)
    page = site.open_view(world.installation, "Reorder")
    before = page.dataframe[0].value["order"].tolist()
    newer = world.publish_again(seed=11)
    page.run()
    assert f"Snapshot {newer}" in site.words(page)
    assert page.dataframe[0].value["order"].tolist() != before
    rollback(world.installation.databases.operational, world.snapshot_id, "test")
    page.run()
    assert f"Snapshot {world.snapshot_id}" in site.words(page)
    assert page.dataframe[0].value["order"].tolist() == before


def test_pages_say_what_to_do_when_there_is_nothing_to_show(installation, site) -> None:
    page = site.open_view(installation, "Reorder")
    assert "Your session has ended" in site.words(page)
    site.sign_in(installation)
    page = site.open_view(installation, "Reorder")
    assert not page.exception
    assert "Nothing is published yet" in site.words(page)
    assert "ims run" in site.words(page)
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute("UPDATE user_sessions SET revoked_at = now()")
    page.run()
    assert "Your session has ended" in site.words(page)
    assert not page.dataframe


def test_without_stock_the_page_says_which_file_is_missing(bare_world, site) -> None:
    site.sign_in(bare_world.installation)
    page = site.open_view(bare_world.installation, "Reorder")
    assert not page.exception
    assert "stock.csv" in site.words(page)
    assert "No stock is known" in site.words(page)


def test_a_database_that_is_away_is_a_sentence_not_a_traceback(world, site) -> None:
    site.sign_in(world.installation)
    gone = dataclasses.replace(
        world.installation.databases, operational="postgresql://nobody@127.0.0.1:9/ims?connect_timeout=1"
    )
    page = site.open_view(dataclasses.replace(world.installation, databases=gone), "Reorder")
    assert not page.exception
    assert "The data cannot be reached" in site.words(page)
    lost = dataclasses.replace(world.installation.databases, lake="postgresql://nobody@127.0.0.1:9/lake")
    page = site.open_view(dataclasses.replace(world.installation, databases=lost), "Reorder")
    assert not page.exception
    assert "snapshot cannot be read" in site.words(page)


def test_roles_see_what_they_may(world, site) -> None:
    site.sign_in(world.installation, role="analyst")
    page = site.open_view(world.installation, "Reorder")
    assert "aims to be enough" in site.words(page)
    assert "Missing a sale costs" not in site.words(page)
    assert not page.json
    site.sign_in(world.installation, role="manager")
    page = site.open_view(world.installation, "Reorder")
    assert not page.exception
    assert not page.dataframe, "a manager to whom no store was given sees no line"
    site.sign_in(world.installation, role="manager", stores=("S01", "S03"))
    page = site.open_view(world.installation, "Reorder")
    assert not page.exception
    assert {str(store)[:3] for store in page.dataframe[0].value["store"]} == {"S01", "S03"}
