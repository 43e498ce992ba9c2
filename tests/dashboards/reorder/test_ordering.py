"""Orders from draft to vendor in the Orders view, through the real API: who may move which on, and what is said."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.dashboards.reorder.test_deciding import labels, messages, press
from tests.dashboards.tiles import values_on

ORDERS = "SELECT order_ref, status FROM purchase_orders ORDER BY purchase_order_id"


@pytest.fixture
def drafted(world, site, served) -> str:
    """The number of a draft order of S01, made of what a manager approved there."""
    for limit in ("suggestion_approval_limit", "purchase_approval_limit"):
        served.set(limit, 1_000_000)
    site.sign_in(world.installation, "manager", ("S01",))
    page = site.open(world.installation)
    press(page, "Approve all")
    press(page, "Approve ")
    assert messages(page) == ""
    assert "[Orders](/orders)" in site.words(page), "whoever approved is told where it goes on"
    (order,) = served.rows(ORDERS)
    assert order["status"] == "draft"
    return str(order["order_ref"])


@pytest.fixture
def open_orders(world, site):
    """The view, as it stands for whoever signed in last."""

    def opened(**query: str) -> AppTest:
        page = site.open_view(world.installation, "Orders", **query)
        assert not page.exception
        return page

    return opened


def test_a_draft_goes_to_its_vendor_by_two_people(world, site, served, drafted, open_orders) -> None:
    page = open_orders()
    shown = page.dataframe[0].value
    assert list(shown["ref"]) == [drafted]
    assert shown["cost"].isna().all(), "a manager sees no costs"
    assert not {label for label in labels(page) if label.startswith(("Approve", "Send"))}
    site.sign_in(world.installation, "buyer")
    page = open_orders()
    assert (page.dataframe[0].value["cost"] > 0).all()
    assert [*values_on(page).values()] == ["1", "0", "0", "0"]
    assert len(page.dataframe[1].value) == page.dataframe[0].value["lines"][0], "the lines of the order below it"
    press(page, "Approve all: 1 order")
    assert drafted.replace("-", "\\-") in site.words(page)
    press(page, "Approve")
    assert "**1 order approved.**" in site.words(page)
    press(page, "Send all: 1 order")
    assert "by mail" in site.words(page)
    press(page, "Send")
    assert "**1 order sent.**" in site.words(page)
    assert served.rows(ORDERS)[0]["status"] == "sent"
    assert [*values_on(page).values()] == ["0", "0", "1", "0"]
    served.rows("UPDATE purchase_orders SET expected_on = current_date - 10")
    page = open_orders()
    assert "days late" in page.dataframe[0].value["state"][0]
    assert [*values_on(page).values()][3] == "1"


def test_one_that_may_not_be_approved_hinders_no_other_and_says_why(world, site, served, drafted, open_orders) -> None:
    site.sign_in(world.installation, "buyer")
    served.rows(
        "INSERT INTO purchase_orders (order_ref, vendor_id, delivery_store_id, status, created_by)"
        " SELECT 'PO-EMPTY', vendor_id, delivery_store_id, status, created_by FROM purchase_orders"
    )
    page = open_orders()
    press(page, "Approve all: 2 orders")
    press(page, "Approve")
    words = site.words(page)
    assert "**1 order approved.**" in words
    assert "1 order not approved:" in words
    assert "has no lines. **PO\\-EMPTY**" in words
    assert {row["order_ref"]: row["status"] for row in served.rows(ORDERS)} == {
        drafted: "approved",
        "PO-EMPTY": "draft",
    }
    press(page, "Close")
    assert "not approved" not in site.words(page)


def test_who_approved_the_suggestions_does_not_approve_the_order(world, site, served, open_orders) -> None:
    site.sign_in(world.installation, "buyer")
    page = site.open(world.installation, store="S01")
    press(page, "Approve all")
    press(page, "Approve ")
    page = open_orders()
    assert not {label for label in labels(page) if label.startswith("Approve")}, "a draft of their own"
    assert "1 draft of your own: somebody else approves them." in site.words(page)
    assert "[PDF](/api/v1/lists/orders?form=pdf)" in site.words(page)


def test_orders_are_chosen_by_store_state_and_vendor(world, site, served, drafted, open_orders) -> None:
    site.sign_in(world.installation, "buyer")
    assert len(open_orders(store="S01", state="approve").dataframe[0].value) == 1
    page = open_orders(store="S02")
    assert "No such order" in site.words(page)
    page.selectbox(key="store").select("S01").run()
    assert list(page.dataframe[0].value["ref"]) == [drafted]
    assert page.query_params["store"] == "S01"


def test_without_the_api_the_page_says_so(world, site, served, drafted, open_orders) -> None:
    served.stop()
    assert "API does not answer" in messages(open_orders())
