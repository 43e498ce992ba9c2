"""Saved views at the head of a page: kept with its filters, opened again, shared, renamed, deleted, begun at."""

from __future__ import annotations

import pytest

MONTH = "Store month"


def press(page, label: str):
    return next(button for button in page.button if button.label == label).click().run()


@pytest.fixture
def open_page(world, served, site):
    """`open_page(role, stores, **address)`: the board of a signed-in reader, its dialog open."""

    def make(role: str, stores: tuple[str, ...] = (), **address: str):
        site.sign_in(world.installation, role, stores)
        page = press(site.open_view(world.installation, MONTH, **address), "Views")
        assert not page.exception
        return page

    return make


def test_a_page_is_kept_with_its_filters_and_opened_again(open_page, world, served, site) -> None:
    page = open_page("manager", ("S01", "S02"), store="S01", span="last_month")
    page.text_input(key="view-name").input("Mine").run()
    page.selectbox(key="view-share").select("manager").run()
    page = press(page, "Save")
    assert any("Mine is saved" in said.value for said in page.info)
    (kept,) = served.rows("SELECT page, name, filters, shared_role FROM saved_views")
    assert kept == {
        "page": "store_month", "name": "Mine", "filters": {"store": "S01", "span": "last_month"},
        "shared_role": "manager",
    }  # fmt: skip
    page = press(site.open_view(world.installation, MONTH, store="S02"), "Views")
    page.selectbox(key="view-chosen").select_index(0).run()
    page = press(page, "Open it")
    assert not page.exception
    assert page.query_params["store"] == "S01"
    assert page.selectbox(key="store").value == "S01"
    page = press(page, "Views")
    page.selectbox(key="view-chosen").select_index(0).run()
    page = press(page, "Delete")
    assert served.rows("SELECT 1 FROM saved_views") == []


def test_a_store_that_the_reader_may_not_see_is_left_out_and_said(open_page, world, served, site) -> None:
    page = open_page("admin", store="S02", span="last_month")
    page.text_input(key="view-name").input("Pune").run()
    page.selectbox(key="view-share").select("manager").run()
    press(page, "Save")
    page = open_page("manager", ("S01",))
    page.selectbox(key="view-chosen").select_index(0).run()
    assert not [button for button in page.button if button.label == "Delete"]
    page = press(page, "Open it")
    assert not page.exception
    assert "store" not in page.query_params
    assert page.query_params["span"] == "last_month"
    assert any("store S02, which your account does not cover" in said.value for said in page.info)


def test_one_begins_at_the_default(world, served, site) -> None:
    site.sign_in(world.installation, "manager", ("S01",))
    served.rows(
        "INSERT INTO saved_views (user_id, page, name, filters, is_default) SELECT user_id, 'store_month', 'Mine',"
        " '{\"store\": \"S03\"}', true FROM users WHERE username = 'manager'"
    )
    page = site.open(world.installation)
    assert not page.exception
    assert MONTH in [title.value for title in page.title]
    assert any("store S03, which your account does not cover" in said.value for said in page.info)
