"""Deciding on suggestions from the Reorder view, through the real API: what it asks, sends, refuses and says."""

from __future__ import annotations

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from warehouse.formats import format_money

MOVE = """
    INSERT INTO suggestions (publication_id, as_of, expires_on, kind, store_id, product_id, source_store_id, on_hand,
        on_order, suggested_qty, order_by, arrives_on, covers_until, expected_demand, demand_p50, demand_p90, reason,
        priority, receipt)
    SELECT g.publication_id, g.as_of, g.expires_on, 'transfer', g.store_id, g.product_id, f.store_id, on_hand,
        on_order, 3, order_by, order_by + 2, covers_until, expected_demand, demand_p50, demand_p90, 'TRANSFER_FIRST',
        priority / 2, receipt
    FROM suggestions AS g JOIN stores AS s USING (store_id) JOIN products AS p USING (product_id),
        stores AS f
    WHERE s.store_code = 'S01' AND p.sku = %s AND f.store_code = 'S02' RETURNING suggestion_id"""
LINES = """
    SELECT g.*, s.store_code, p.sku FROM suggestions AS g JOIN stores AS s USING (store_id)
    JOIN products AS p USING (product_id) WHERE s.store_code = %s ORDER BY priority DESC, suggestion_id"""


def press(page: AppTest, label: str) -> AppTest:
    """Click the button that begins so, the last of several: a dialog's is drawn after the page's."""
    (*_, button) = (button for button in page.button if button.label.startswith(label))
    return button.click().run()


def labels(page: AppTest) -> set[str]:
    return {button.label for button in page.button} - {"Views"}  # at the head of every page


def messages(page: AppTest) -> str:
    return "\n".join(str(each.value) for each in [*page.error, *page.warning])


@pytest.fixture
def mine(world, site, served):
    """Whoever signs in next decides on S01: its open lines, with a transfer among them."""
    (first, *_) = served.rows(LINES, "S01")
    served.rows(MOVE, first["sku"])
    return served.rows(LINES, "S01")


def test_all_that_is_shown_is_approved_once_and_its_drafts_are_named(world, site, served, mine) -> None:
    site.sign_in(world.installation, "buyer")
    page = site.open(world.installation, store="S01")
    table = page.dataframe[0].value
    assert not page.exception
    assert table["source"].iloc[0] == "Move from S02"
    (bought,) = table[table["sku"] == table["sku"].iloc[0]]["source"].iloc[1:]
    assert bought == "V-01 · Optics Trade, after 3 from S02"
    assert "draft" not in table.columns or table["draft"].isna().all()
    press(page, f"Approve all {len(mine)} lines shown")
    words = site.words(page)
    assert "Move from store **S02**: 1 line, 3 units" in words
    assert f"Buy from **V\\-01 · Optics Trade**: {len(mine) - 1} lines" in words
    costs = served.rows("SELECT sku, unit_cost FROM products")
    cost_of = {row["sku"]: row["unit_cost"] for row in costs}
    bought = sum(row["suggested_qty"] * cost_of[row["sku"]] for row in mine if row["kind"] == "purchase")
    assert f"**{format_money(bought, 'INR')}** to pay" in words
    page.text_input[0].set_value("for the weekend")
    press(page, f"Approve {len(mine)} lines")
    assert not page.exception
    assert messages(page) == ""
    decided = served.rows(LINES, "S01")
    assert {row["state"] for row in decided} <= {"approved", "edited"}
    assert {row["decision_note"] for row in decided} == {"for the weekend"}
    orders = served.rows("SELECT order_ref FROM purchase_orders")
    transfers = served.rows("SELECT stock_transfer_id AS key FROM stock_transfers")
    assert (len(orders), len(transfers)) == (1, 1)
    words = site.words(page)
    assert orders[0]["order_ref"].replace("-", "\\-") in words
    assert f"Transfer {transfers[0]['key']}" in words
    assert "/api/v1/lists/orders?form=pdf" in words
    page.run()
    table = page.dataframe[0].value
    assert set(table["state"]) == {"Approved"}
    assert set(table["draft"]) == {orders[0]["order_ref"], f"Transfer {transfers[0]['key']}"}
    assert not {label for label in labels(page) if label.startswith("Approve")}


def test_a_quantity_is_changed_with_a_reason_and_only_while_it_is_as_it_was_seen(world, site, served, mine) -> None:
    site.sign_in(world.installation, "manager", ("S01",))
    line = next(row for row in mine if row["sku"] == "SO-4001")
    served.rows(
        "INSERT INTO supply_terms (product_id, vendor_id, lead_time_days, review_period_days, pack_size)"
        " VALUES (%s, %s, 5, 7, 6)",
        line["product_id"],
        line["vendor_id"],
    )
    page = site.open(world.installation, line=str(line["suggestion_id"]))
    press(page, "Change quantity")
    assert page.number_input[0].value == line["suggested_qty"]
    change = next(button for button in page.button if button.label == "Change the quantity")
    assert change.disabled, "not without a reason"
    page.number_input[0].set_value(line["suggested_qty"] + 1)
    next(box for box in page.selectbox if box.label == "Why").set_value("SEASON_UPLIFT").run()
    press(page, "Change the quantity")
    assert "Nothing was changed" in messages(page)
    assert "packs of 6" in messages(page) + site.words(page)
    page.number_input[0].set_value(line["suggested_qty"] + 6)
    served.rows("UPDATE suggestions SET decision_note = 'seen' WHERE suggestion_id = %s", line["suggestion_id"])
    press(page, "Change the quantity")
    assert "Somebody was faster" in messages(page)
    page.run()
    press(page, "Change quantity")
    page.number_input[0].set_value(line["suggested_qty"] + 6)
    next(box for box in page.selectbox if box.label == "Why").set_value("SEASON_UPLIFT").run()
    press(page, "Change the quantity")
    assert not page.exception
    (row,) = (row for row in served.rows(LINES, "S01") if row["suggestion_id"] == line["suggestion_id"])
    assert (row["state"], row["approved_qty"], row["decision_code"]) == (
        "proposed",
        line["suggested_qty"] + 6,
        "SEASON_UPLIFT",
    )
    page.run()
    shown = page.dataframe[0].value.set_index("sku").loc["SO-4001"]
    assert (shown["order"], shown["state"]) == (line["suggested_qty"] + 6, f"Changed, was {line['suggested_qty']}")
    assert "instead of" in site.words(page)


def test_what_hinders_the_others_can_be_left_out(world, site, served, mine) -> None:
    site.sign_in(world.installation, "buyer")
    page = site.open(world.installation, store="S01", act="purchase")
    press(page, "Approve all")
    purchases = [row for row in mine if row["kind"] == "purchase"]
    served.rows("UPDATE suggestions SET vendor_id = NULL WHERE suggestion_id = %s", purchases[2]["suggestion_id"])
    press(page, f"Approve {len(purchases)} lines")
    assert "Somebody changed these lines" in messages(page), "the vendor is another than was read"
    press(page, f"Approve {len(purchases)} lines")
    assert "no vendor" in messages(page)
    press(page, "Leave out what hinders")
    assert not page.exception
    states = {row["suggestion_id"]: row["state"] for row in served.rows(LINES, "S01") if row["kind"] == "purchase"}
    assert states.pop(purchases[2]["suggestion_id"]) == "proposed"
    assert set(states.values()) <= {"approved", "edited"}


def test_an_order_above_the_limit_of_the_role_is_left_to_another(world, site, served, mine) -> None:
    site.sign_in(world.installation, "manager", ("S01",))
    served.set("suggestion_approval_limit", 1)
    page = site.open(world.installation)
    press(page, "Approve all")
    assert "to pay" not in site.words(page), "a manager sees no costs"
    press(page, f"Approve {len(mine)} lines")
    assert "whoever approves more" in messages(page)
    press(page, "Leave out what hinders")
    assert f"{len(mine) - 1} lines left open" in site.words(page), "of every vendor, with one click"
    assert [row["state"] for row in served.rows(LINES, "S01") if row["kind"] == "transfer"] == ["approved"]


def test_what_was_clicked_on_another_list_is_not_asked(world, site, served, mine) -> None:
    """A page that is being drawn anew still takes clicks: on all stores, by who has just chosen one."""
    site.sign_in(world.installation, "buyer")
    page = site.open(world.installation)
    press(page, "Approve all")
    assert [label for label in labels(page) if label.startswith("Approve") and "shown" not in label]
    page.selectbox(key="store").select("S01").run()
    assert not page.exception
    assert not [label for label in labels(page) if label.startswith("Approve") and "shown" not in label]
    assert "another now" in page.toast[0].value


def test_whoever_may_not_decide_has_no_button_and_whoever_may_only_their_own(world, site, served, mine) -> None:
    buttons = {}
    for role in ("analyst", "admin", "manager", "buyer"):
        site.sign_in(world.installation, role, ("S03",))
        page = site.open_view(world.installation, "Reorder")
        assert not page.exception
        buttons[role] = {label.partition(" ")[0] for label in labels(page)}
        if role == "manager":
            assert f"Approve all {len(served.rows(LINES, 'S03'))} lines shown" in labels(page)
    assert buttons == {
        "analyst": set(),
        "admin": {"Approve"},
        "manager": {"Approve", "Change"},
        "buyer": {"Approve", "Change"},
    }


@pytest.mark.parametrize("cause", ["session", "permission", "colleague", "stopped", "database"])
def test_a_click_that_comes_too_late_is_a_sentence(world, site, served, mine, cause: str) -> None:
    site.sign_in(world.installation, "manager", ("S01",))
    page = site.open(world.installation)
    press(page, "Approve all")
    if cause == "session":
        served.rows("UPDATE user_sessions SET revoked_at = now()")
    elif cause == "permission":
        served.rows("UPDATE user_roles SET role = 'analyst'")
    elif cause == "colleague":
        served.rows("UPDATE suggestions SET state = 'refused', decided_by = 'asha'")
    elif cause == "stopped":
        served.stop()
    else:
        served.rows("DELETE FROM suggestions WHERE suggestion_id <> %s", mine[-1]["suggestion_id"])
        page = site.open(world.installation)
        press(page, "Approve all 1 line")
        with psycopg.connect(served.url) as lock:
            lock.execute("LOCK TABLE idempotency_keys IN ACCESS EXCLUSIVE MODE")
            press(page, "Approve 1 line")
            assert "IMS is busy" in messages(page)
        press(page, "Approve 1 line")
        assert messages(page) == ""
        assert {row["state"] for row in served.rows(LINES, "S01")} <= {"approved", "edited"}, "the choice was kept"
        return
    press(page, f"Approve {len(mine)} lines")
    assert not page.exception
    said = {
        "session": "Your session has ended",
        "permission": "Your account may not do this",
        "colleague": "refused already by asha",
        "stopped": "The API does not answer",
    }[cause]
    assert said in messages(page) + site.words(page)
    assert not {"approved", "edited"} & {row["state"] for row in served.rows(LINES, "S01")}
