"""Settling an alert from its card: asked once, written once through the API in the viewer's name, and told."""

from __future__ import annotations

import datetime as dt

import pytest

from api.alerts import write_alerts
from api.database import create_engine
from tests.dashboards.tiles import values_on

AS_OF = dt.date(2026, 11, 23)
ALERT = {
    "alert_ref": "DATA:S01:x", "kind": "DATA", "store_code": "S01", "subject": "x", "title": "Nothing came",
    "detail": "d", "severity": "warn", "at_stake_amount": 90, "first_on": AS_OF, "rank_in_store": 1, "view": "quality",
    "filters": "{}",
}  # fmt: skip


@pytest.fixture
def alert(world, served) -> int:
    """One open alert of S01."""
    engine = create_engine(world.installation.databases.operational)
    with engine.begin() as connection:
        write_alerts(connection, [ALERT], world.publication_id, AS_OF)
    engine.dispose()
    return served.rows("SELECT alert_id FROM alerts")[0]["alert_id"]


def press(page, label: str):
    (*_, button) = (button for button in page.button if button.label == label)  # a dialog's comes after the page's
    return button.click().run()


def test_a_manager_says_what_was_done(world, site, served, alert) -> None:
    site.sign_in(world.installation, "manager", ("S01",))
    page = press(site.open_view(world.installation, "Alerts"), "Done")
    page.text_input[0].input("Called the courier").run()
    page = press(page, "Done")
    assert not page.exception
    assert "Nothing came: Counted as acted on" in page.success[0].value
    (row,) = served.rows("SELECT action, reason, alert_ref FROM alert_actions")
    assert row == {"action": "acted", "reason": "Called the courier", "alert_ref": "DATA:S01:x"}
    assert values_on(page)["Acted on, 4 weeks"] == "100 %"


def test_putting_off_takes_a_day_and_dismissing_a_reason(world, site, served, alert) -> None:
    site.sign_in(world.installation, "manager", ("S01",))
    page = press(site.open_view(world.installation, "Alerts"), "Later")
    page = press(page, "Put it off")
    assert "Put off until" in page.success[0].value
    page = press(site.open_view(world.installation, "Alerts", state="snoozed"), "No")
    assert next(button for button in page.button if button.label == "Dismiss it").disabled
    page.text_input[0].input("A holiday").run()
    page = press(page, "Dismiss it")
    assert not page.exception
    rows = served.rows("SELECT action, reason, until_on FROM alert_actions ORDER BY alert_action_id")
    assert [(row["action"], row["reason"]) for row in rows] == [("snoozed", None), ("dismissed", "A holiday")]


def test_who_comes_second_is_told_and_changes_nothing(world, site, served, alert) -> None:
    site.sign_in(world.installation, "manager", ("S01",))
    page = press(site.open_view(world.installation, "Alerts"), "Later")
    served.rows(
        "INSERT INTO alert_actions (alert_ref, kind, store_id, action, acted_by)"
        " SELECT alert_ref, kind, store_id, 'acted', (SELECT min(user_id) FROM users) FROM alerts"
    )
    page = press(page, "Put it off")
    assert "not possible now" in page.error[0].value
    assert len(served.rows("SELECT 1 FROM alert_actions")) == 1


def test_without_an_api_the_page_says_so(world, site, served, alert) -> None:
    served.stop()
    site.sign_in(world.installation, "manager", ("S01",))
    page = press(press(site.open_view(world.installation, "Alerts"), "Later"), "Put it off")
    assert "The API does not answer" in page.error[0].value
