"""Reports: a person subscribes, sends one now, ends it; each sees their own, and staff nothing of it."""

from __future__ import annotations

import psycopg
import pytest


def press(page, label: str):
    return next(button for button in page.button if button.label == label).click().run()


@pytest.fixture
def manager(world, served, site):
    """A signed-in manager of one store with an address."""
    site.sign_in(world.installation, "manager", ("S01",))
    served.rows("UPDATE users SET email = 'mira@chain.example' WHERE username = 'manager'")
    return site


def test_a_manager_subscribes_sends_one_now_and_ends_it(world, served, manager, site) -> None:
    page = site.open_view(world.installation, "Reports")
    assert "You are not sent figures yet." in site.words(page)
    page = press(page, "Subscribe")
    assert not page.exception
    words = site.words(page).replace("\\", "")
    assert "Every week on Monday at 07:00 · PDF to read · all stores" in words
    assert "to mira@chain.example" in words
    page = press(page, "Send one now")
    assert any("within a minute" in said.value for said in page.success)
    assert served.rows("SELECT occasion, state FROM report_deliveries") == [{"occasion": "asked", "state": "wanted"}]
    (log,) = page.dataframe
    assert log.value["state"].to_list() == ["Is being made"]
    page = press(page, "Send one now")
    assert "on its way already" in page.error[0].value
    page = press(page, "End it")
    assert "ended" in site.words(page)
    (row,) = served.rows("SELECT is_active, cadence, weekday, store_ids FROM report_schedules")
    assert row == {"is_active": False, "cadence": "weekly", "weekday": 1, "store_ids": None}


def test_without_an_address_it_says_what_to_do(world, served, site) -> None:
    site.sign_in(world.installation, "manager", ("S01",))
    page = press(site.open_view(world.installation, "Reports"), "Subscribe")
    assert "no e\\-mail address" in page.error[0].value
    assert served.rows("SELECT 1 FROM report_schedules") == []


def test_staff_may_not_take_figures_away(world, served, site) -> None:
    site.sign_in(world.installation, "staff", ("S01",))
    page = site.open_view(world.installation, "Reports")
    assert not [button for button in page.button if button.label == "Subscribe"]
    assert "Reports" not in page.session_state["offered"]


def test_an_admin_sees_what_was_sent_to_others(world, served, manager, site) -> None:
    press(site.open_view(world.installation, "Reports"), "Subscribe")
    with psycopg.connect(world.installation.databases.operational) as connection:
        connection.execute(
            "INSERT INTO report_deliveries (report_schedule_id, occasion, due_on, state, error)"
            " SELECT report_schedule_id, 'scheduled', '2026-11-23', 'failed', 'the server is away'"
            " FROM report_schedules"
        )
    site.sign_in(world.installation, "admin")
    page = site.open_view(world.installation, "Reports")
    (log,) = page.dataframe
    assert (log.value["user"].to_list(), log.value["told"].to_list()) == (["manager"], ["the server is away"])
