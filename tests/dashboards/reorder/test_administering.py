"""Writes of other views go the same way, through the API in the viewer's name: waivers, users, settings; the trail."""

from __future__ import annotations

import psycopg
import pytest

from api.findings import write_results
from api.services.audit import Event, record_now
from api.services.audit_kinds import kinds

FOUND = {
    "severity": "warning", "owner": "store manager", "state": "failed", "observed": "1 rows",
    "what_to_do": "Correct it.", "holds_back": None, "failed_count": 1, "waived_count": 0,
    "table_name": "raw.sales", "check_name": "quantity_is_not_zero",
}  # fmt: skip
CHECK = "raw.sales:quantity_is_not_zero"


def press(page, label: str):
    return next(button for button in page.button if button.label == label).click().run()


@pytest.fixture
def checked(world):
    """The world with a check that failed in its run."""
    with psycopg.connect(world.installation.databases.operational) as connection:
        (run_id,) = connection.execute("SELECT run_id FROM runs").fetchone()
        write_results(connection, run_id, [(FOUND, [{"store_code": "S01", "sku": "X"}], "store_code")])
    return world


def test_a_failure_is_let_stand_and_counts_again(checked, served, site) -> None:
    site.sign_in(checked.installation, "analyst")
    page = site.open_view(checked.installation, "Data quality")
    page.text_area(key=f"why-{CHECK}").input("")
    page = press(page, "Let it stand")
    assert "Nothing was changed" in page.error[0].value
    page.text_area(key=f"why-{CHECK}").input("counted twice, known")
    page.selectbox(key=f"where-{CHECK}").select("S02")
    page = press(page, "Let it stand")
    assert not page.exception
    (waiver,) = served.rows(
        "SELECT w.reason, s.store_code, u.username FROM check_waivers w JOIN stores s USING (store_id) "
        "JOIN users u ON u.user_id = w.waived_by"
    )
    assert waiver == {"reason": "counted twice, known", "store_code": "S02", "username": "analyst"}
    assert any("may stand until" in said.value for said in page.success)
    page.selectbox(key="ending").select_index(0)
    page = press(page, "Let it count again")
    assert served.rows("SELECT revoked_at IS NOT NULL AS ended FROM check_waivers") == [{"ended": True}]
    assert any("counts again" in said.value for said in page.success)


def test_who_may_not_waive_has_no_form(checked, served, site) -> None:
    site.sign_in(checked.installation, "manager", ("S01",))
    page = site.open_view(checked.installation, "Data quality")
    assert not page.exception
    assert not [button for button in page.button if button.label == "Let it stand"]


def test_a_user_is_added_and_found_in_the_trail(world, served, site) -> None:
    site.sign_in(world.installation, "admin")
    page = site.open_view(world.installation, "Administration")
    assert not page.exception
    assert "admin" in set(page.dataframe[0].value["name"])
    page.text_input(key="new-name").input("asha")
    page = press(page, "Add")
    assert not page.exception
    assert "asha is added." in page.success[0].value
    assert "asha" in set(page.dataframe[0].value["name"])
    page = site.open_view(world.installation, "Administration", section="audit", kind="user.created")
    assert page.dataframe[0].value[["who", "kind"]].values.tolist() == [["admin", "A user was created"]]
    page = site.open_view(world.installation, "Administration")
    page.text_input(key="new-name").input("asha")
    page = press(page, "Add")
    assert "Nothing was changed" in page.error[0].value


def test_a_setting_is_changed_by_who_may(world, served, site) -> None:
    site.sign_in(world.installation, "superadmin")
    page = site.open_view(world.installation, "Administration", section="settings")
    page = page.selectbox(key="setting").select("suggestion_days_to_decide").run()
    page.text_input(key="value-suggestion_days_to_decide").input("9")
    page = press(page, "Change")
    assert not page.exception
    settings = "SELECT value FROM chain_settings WHERE key = 'suggestion_days_to_decide'"
    assert served.rows(settings) == [{"value": 9}]
    site.sign_in(world.installation, "admin")
    page = site.open_view(world.installation, "Administration", section="settings")
    assert not page.exception
    assert not [box for box in page.selectbox if box.key == "setting"]


def test_an_accountant_reads_what_was_done_with_money_and_changes_nothing(world, served, site) -> None:
    with psycopg.connect(world.installation.databases.operational) as connection:
        record_now(
            connection, [Event(kind, "x", "7", username="asha") for kind in ("payment.received", "user.created")]
        )
    site.sign_in(world.installation, "accountant")
    page = site.open_view(world.installation, "Administration", section="users")
    assert not page.exception
    assert page.session_state["section"] == "audit", "the address asks for users, which are not theirs"
    assert page.segmented_control(key="section").options == ["Settings", "Audit trail"]
    assert page.dataframe[0].value["of"].to_list() == ["x 7"]
    assert page.dataframe[0].value["kind"].to_list() == [kinds()["payment.received"].says]
    assert len(page.selectbox(key="kind").options) == len([kind for kind in kinds().values() if kind.is_money])
    page = site.open_view(world.installation, "Administration", section="audit", kind="user.created")
    assert not page.exception
    assert kinds()["user.created"].says not in set(page.dataframe[0].value["kind"]), "nor by an address"
    page = site.open_view(world.installation, "Administration", section="settings")
    assert not page.exception
    assert "Change" not in [button.label for button in page.button], "settings are read, and changed by others"
