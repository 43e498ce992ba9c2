"""The Reorder view on a published world, through the whole site: session, pointer, filters, receipt, messages."""

from __future__ import annotations

import dataclasses

import psycopg
import pytest
import streamlit as st
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from api.database import create_engine
from api.identity.passwords import hash_password
from api.identity.sessions import COOKIE, hash_token
from api.publications import rollback

TOKEN = "a-token-of-the-test"  # noqa: S105  (opens a database that lives as long as this test)


@pytest.fixture
def cookies(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The browser's cookies, as the views see them."""
    jar: dict[str, str] = {}
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _: jar))
    st.cache_data.clear()
    st.cache_resource.clear()
    return jar


def sign_in(installation, cookies: dict[str, str], role: str = "superadmin") -> None:
    with psycopg.connect(installation.databases.operational) as connection:
        user = connection.execute(
            "INSERT INTO users (username, password_hash, role) VALUES (%s, %s, %s) RETURNING user_id",
            (role, hash_password("x"), role),
        ).fetchone()
        connection.execute(
            "INSERT INTO user_sessions (token_hash, user_id, expires_at) VALUES (%s, %s, now() + interval '1 hour')",
            (hash_token(TOKEN), user[0]),
        )
    cookies[COOKIE] = TOKEN


def open_site(installation, **parameters: str) -> AppTest:
    def site() -> None:
        from dashboards.shell import show_site

        show_site()

    page = AppTest.from_function(site, default_timeout=60)
    page.secrets["databases"] = dataclasses.asdict(installation.databases)
    for name, value in parameters.items():
        page.query_params[name] = value
    return page.run()


def words(page: AppTest) -> str:
    parts = [*page.title, *page.subheader, *page.markdown, *page.caption]
    return "\n".join(str(part.value) for part in parts)


def test_the_list_its_tiles_its_receipt_and_its_filters(world, cookies: dict[str, str]) -> None:
    sign_in(world.installation, cookies)
    page = open_site(world.installation)
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
    tiles = {tile.label: tile.value for tile in page.metric}
    assert tiles["Lines to order"] == str(len(rows))
    assert tiles["Units"] == str(sum(row[1] for row in rows))
    assert tiles["Stock-outs ahead"] == str(sum(row[2] == "PROJECTED_STOCKOUT" for row in rows))
    text = words(page)
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

    again = open_site(world.installation, store="S02", category="Frames")
    assert again.dataframe[0].value["sku"].tolist() == page.dataframe[0].value["sku"].tolist()
    assert len(open_site(world.installation, store="nowhere").dataframe[0].value) == len(rows)


def test_going_back_shows_at_the_next_look(world, cookies: dict[str, str]) -> None:
    sign_in(world.installation, cookies)
    page = open_site(world.installation)
    before = page.dataframe[0].value["order"].tolist()
    newer = world.publish_again(seed=11)
    page.run()
    assert f"Snapshot {newer}" in words(page)
    assert page.dataframe[0].value["order"].tolist() != before
    rollback(world.installation.databases.operational, world.snapshot_id, "test")
    page.run()
    assert f"Snapshot {world.snapshot_id}" in words(page)
    assert page.dataframe[0].value["order"].tolist() == before


def test_pages_say_what_to_do_when_there_is_nothing_to_show(installation, cookies: dict[str, str]) -> None:
    page = open_site(installation)
    assert "Your session has ended" in words(page)
    sign_in(installation, cookies)
    page = open_site(installation)
    assert not page.exception
    assert "Nothing is published yet" in words(page)
    assert "ims run" in words(page)
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute("UPDATE user_sessions SET revoked_at = now()")
    page.run()
    assert "Your session has ended" in words(page)
    assert not page.dataframe


def test_without_stock_the_page_says_which_file_is_missing(bare_world, cookies: dict[str, str]) -> None:
    sign_in(bare_world.installation, cookies)
    page = open_site(bare_world.installation)
    assert not page.exception
    assert "stock.csv" in words(page)
    assert "No stock is known" in words(page)


def test_a_database_that_is_away_is_a_sentence_not_a_traceback(world, cookies: dict[str, str]) -> None:
    sign_in(world.installation, cookies)
    gone = dataclasses.replace(
        world.installation.databases, operational="postgresql://nobody@127.0.0.1:9/ims?connect_timeout=1"
    )
    page = open_site(dataclasses.replace(world.installation, databases=gone))
    assert not page.exception
    assert "The data cannot be reached" in words(page)
    lost = dataclasses.replace(world.installation.databases, lake="postgresql://nobody@127.0.0.1:9/lake")
    page = open_site(dataclasses.replace(world.installation, databases=lost))
    assert not page.exception
    assert "snapshot cannot be read" in words(page)


def test_who_may_not_see_costs_sees_none(world, cookies: dict[str, str]) -> None:
    sign_in(world.installation, cookies, role="analyst")
    page = open_site(world.installation)
    assert "aims to be enough" in words(page)
    assert "Missing a sale costs" not in words(page)
    assert not page.json


def test_a_manager_without_stores_sees_no_line(world, cookies: dict[str, str]) -> None:
    sign_in(world.installation, cookies, role="manager")
    page = open_site(world.installation)
    assert not page.exception
    assert not page.dataframe
