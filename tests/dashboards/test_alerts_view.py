"""Alerts: every role its own stores, no cost; the address filters; nothing open teaches; Today leads into them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg
import pytest

from api.alerts import write_alerts
from api.database import create_engine
from tests.dashboards.tiles import tiles_on, values_on

AS_OF = dt.date(2026, 11, 23)
OF_ALL = {"superadmin", "admin", "buyer", "accountant", "analyst"}
MAY_ACT = {"superadmin", "admin", "buyer", "analyst", "manager"}
ROLES = ("superadmin", "admin", "buyer", "manager", "accountant", "analyst", "staff")


def raised(kind: str, store: str | None, subject: str, amount: int, rank: int, **given: Any) -> dict[str, Any]:
    """One row of outputs.alerts."""
    return {
        "alert_ref": f"{kind}:{store}:{subject}", "kind": kind, "store_code": store, "subject": subject,
        "title": f"{kind} {subject}", "detail": "why", "severity": "severe", "at_stake_amount": amount,
        "first_on": AS_OF - dt.timedelta(days=rank - 1), "rank_in_store": rank, "view": "item", "filters": "{}",
        **given,
    }  # fmt: skip


RAISED = [
    raised("STOCK_OUT_AHEAD", "S01", "CL-3001", 5000, 1, filters='{"store": "S01", "sku": "CL-3001"}'),
    raised("SALES_OFF", "S01", "2026-11-22", 900, 2, severity="warn", view="sales"),
    raised("DATA", "S03", "raw.sales:<b>&[x](y)", 0, 1, view="quality", title="<b>bold</b> & [x](y)"),
    raised("FORECAST_BIAS", None, "Frames / smooth", 700, 1, view="models"),
]


@pytest.fixture
def alerted(world):
    """The published world with four alerts."""
    engine = create_engine(world.installation.databases.operational)
    with engine.begin() as connection:
        write_alerts(connection, RAISED, world.publication_id, AS_OF)
    engine.dispose()
    return world


def html(page: Any) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def titles(page: Any) -> list[str]:
    shown = [element.proto.body for element in page.get("html") if 'class="ims-alert"' in element.proto.body]
    return [body.split("</div>")[0].removesuffix("</a>").rpartition(">")[2] for body in shown]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_its_stores_and_acts_where_it_may(alerted, site, role: str) -> None:
    site.sign_in(alerted.installation, role, ("S01",))
    page = site.open_view(alerted.installation, "Alerts")
    assert not page.exception
    own = ["STOCK_OUT_AHEAD CL-3001", "SALES_OFF 2026-11-22"]
    of_others = ["FORECAST_BIAS Frames / smooth", "&lt;b&gt;bold&lt;/b&gt; &amp; [x](y)"]
    assert titles(page) == [*own, *(of_others if role in OF_ALL else [])]
    assert ("S03" in html(page)) == (role in OF_ALL)
    buttons = [button.label for button in page.button if button.label in {"Done", "Later", "No"}]
    assert len(buttons) == (0 if role not in MAY_ACT else 3 * (4 if role in OF_ALL else 2))
    # a link only to pages that the role may see
    assert ("/item?sku=CL-3001&amp;store=S01" in html(page)) == (role not in {"accountant", "staff"})
    assert "/sales" in html(page)
    assert {tile.label for tile in tiles_on(page)} == {"Open", "Sales at stake", "Waiting", "Acted on, 4 weeks"}


def test_text_from_data_is_shown_as_it_is(alerted, site) -> None:
    site.sign_in(alerted.installation)
    shown = html(site.open_view(alerted.installation, "Alerts", kind="DATA"))
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; [x](y)" in shown
    assert "<b>" not in shown


def test_the_address_filters_and_what_it_may_not_say_is_as_nothing(alerted, site) -> None:
    site.sign_in(alerted.installation)
    page = site.open_view(alerted.installation, "Alerts", kind="SALES_OFF", store="S01")
    assert titles(page) == ["SALES_OFF 2026-11-22"]
    assert values_on(page)["Open"] == "1"
    hostile = {"kind": "' OR 1=1 --", "store": "S99<script>", "state": "\x00"}
    page = site.open_view(alerted.installation, "Alerts", **hostile)
    assert not page.exception
    assert len(titles(page)) == 4
    site.sign_in(alerted.installation, "manager", ("S01",))
    page = site.open_view(alerted.installation, "Alerts", store="S03")
    assert not page.exception
    assert titles(page) == ["STOCK_OUT_AHEAD CL-3001", "SALES_OFF 2026-11-22"]


def test_nothing_open_teaches_what_is_looked_for(world, site) -> None:
    site.sign_in(world.installation)
    words = site.words(site.open_view(world.installation, "Alerts"))
    assert "Nothing to look at" in words
    assert "30 % less" in words
    page = site.open_view(world.installation, "Alerts", state="dismissed")
    assert "No alert is dismissed here" in site.words(page)


def test_an_empty_warehouse_and_a_reader_without_stores_get_a_calm_page(installation, world, site) -> None:
    site.sign_in(world.installation, "manager")
    assert "No store is yours yet" in site.words(site.open_view(world.installation, "Alerts"))


def test_before_the_first_publication_it_says_how_to_begin(installation, site) -> None:
    site.sign_in(installation)
    page = site.open_view(installation, "Alerts")
    assert not page.exception
    assert "Nothing is published yet" in site.words(page)


def test_what_became_of_them_is_told_by_kind(alerted, site) -> None:
    with psycopg.connect(alerted.installation.databases.operational) as connection:
        connection.execute("INSERT INTO users (username, password_hash) VALUES ('ana', '-')")
        connection.execute(
            "INSERT INTO alert_actions (alert_ref, kind, store_id, action, acted_by) SELECT alert_ref, kind, store_id,"
            " 'acted', u.user_id FROM alerts, users AS u WHERE kind = 'SALES_OFF' AND username = 'ana'"
        )
    site.sign_in(alerted.installation)
    page = site.open_view(alerted.installation, "Alerts")
    rows = {row["kind"]: row for row in page.dataframe[0].value.to_dict("records")}
    assert (rows["Sales off"]["acted"], rows["Sales off"]["share"]) == (1, 100)
    assert rows["Stock-out ahead"]["untouched"] == 1
    assert values_on(page)["Acted on, 4 weeks"] == "25 %"
    page = site.open_view(alerted.installation, "Alerts", state="acted")
    assert "Acted on by ana" in html(page)
    assert not [button for button in page.button if button.label == "Done"]


def test_today_shows_the_three_dearest_with_a_way_in(alerted, site) -> None:
    site.sign_in(alerted.installation)
    shown = html(site.open_view(alerted.installation, "Today"))
    assert 'href="/alerts?kind=STOCK_OUT_AHEAD&amp;store=S01"' in shown
    assert [name in shown for name in ("SALES_OFF", "Frames / smooth", "bold")] == [True, True, False]
    site.sign_in(alerted.installation, "staff", ("S03",))
    page = site.open_view(alerted.installation, "Today")
    assert "&lt;b&gt;bold" in html(page)
    assert "CL-3001" not in html(page)
    site.sign_in(alerted.installation, "staff", ("S02",))
    assert "No alert is open" in site.words(site.open_view(alerted.installation, "Today"))
