"""Alerts over the API: own stores only, dearest first, page by page; settled once, and counted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg
import pytest

SALES = {"kind": "SALES_OFF", "severity": "severe", "title": "Sales were low", "detail": "Half of a usual Tuesday"}


def raise_alert(buyers: Any, store: int | None, amount: int = 100, **given: object) -> int:
    """An alert of the served publication."""
    known = buyers.rows("SELECT publication_id FROM publication_pointer")
    publication = known[0]["publication_id"] if known else buyers._publish()
    ref = given.pop("ref", f"SALES_OFF:{store}:{amount}")
    values: dict[str, object] = {
        **SALES, "subject": "2026-01-01", "at_stake_amount": amount, "first_on": "2026-01-01", "day_on": "2026-01-01",
        "rank_in_store": 1, "is_listed": True, "view": "sales", "filters": '{"store": "S1"}', **given,
    }  # fmt: skip
    return buyers.add("alerts", publication_id=publication, alert_ref=ref, store_id=store, **values)


def today(buyers: Any) -> dt.date:
    return buyers.one("SELECT (now() AT TIME ZONE 'Asia/Kolkata')::date AS day")["day"]


@pytest.fixture(autouse=True)
def no_other(buyers) -> None:
    """The database is the module's: alerts of the tests before are of no interest, their actions stay."""
    buyers.rows("DELETE FROM alerts")


def test_a_manager_sees_the_own_store_the_dearest_first_and_whoever_sees_all_the_chain_too(buyers) -> None:
    small, large = raise_alert(buyers, buyers.here, 100), raise_alert(buyers, buyers.here, 900)
    there, chain = raise_alert(buyers, buyers.there, 500), raise_alert(buyers, None, 300, ref="FORECAST_BIAS:chain")
    mine = buyers.get("/alerts", buyers.manager).json()
    assert [each["alert_id"] for each in mine["items"]] == [large, small]
    assert mine["items"][0]["at_stake_amount"] == "900.00"
    assert mine["items"][0]["filters"] == {"store": "S1"}
    assert mine["currency"] == "INR"
    every = buyers.get("/alerts", buyers.buyer).json()["items"]
    assert [each["alert_id"] for each in every] == [large, there, chain, small]
    assert "store_code" not in every[2]
    only = buyers.get("/alerts", buyers.buyer, store=buyers.codes[1]).json()["items"]
    assert [each["alert_id"] for each in only] == [there]
    for path, parameters in (("/alerts", {"store": buyers.codes[1]}), (f"/alerts/{there}", {})):
        assert buyers.problem(buyers.get(path, buyers.manager, **parameters)) == (403, "store-out-of-scope")
    assert buyers.problem(buyers.get(f"/alerts/{chain}", buyers.manager))[0] == 403
    assert buyers.problem(buyers.get("/alerts/999999", buyers.manager)) == (404, "unknown-alert")


def test_pages_follow_each_other_without_a_gap(buyers) -> None:
    made = [raise_alert(buyers, buyers.here, 100, ref=f"r{number}") for number in range(5)]
    first = buyers.get("/alerts", buyers.manager, limit=2).json()
    second = buyers.get("/alerts", buyers.manager, limit=3, cursor=first["next_cursor"]).json()
    assert [each["alert_id"] for each in first["items"] + second["items"]] == made
    assert "next_cursor" not in second
    wrong = buyers.get("/alerts", buyers.manager, cursor="WzFd")
    assert buyers.problem(wrong) == (422, "invalid-cursor")
    publication = buyers.one("SELECT publication_id AS p FROM publication_pointer")["p"]
    other = buyers.add(
        "publications", run_id="r", snapshot_id=2, as_of="2026-01-01", data_as_of="2026-01-01", fingerprint="g",
        checks="{}", metric_version="1", notes="[]",
    )  # fmt: skip
    buyers.rows("UPDATE publication_pointer SET publication_id = %s", other)
    moved = buyers.get("/alerts", buyers.manager, cursor=first["next_cursor"])
    buyers.rows("UPDATE publication_pointer SET publication_id = %s", publication)
    assert buyers.problem(moved) == (409, "publication-moved")


def test_what_is_snoozed_is_open_again_on_its_day(buyers) -> None:
    alert = raise_alert(buyers, buyers.here, ref="snoozed")
    tomorrow = today(buyers) + dt.timedelta(days=1)
    done = buyers.post(f"/alerts/{alert}/snooze", buyers.manager, {"until_on": tomorrow.isoformat()})
    assert done.status_code == 200, done.text
    assert (done.json()["state"], done.json()["until_on"]) == ("snoozed", tomorrow.isoformat())
    assert buyers.get("/alerts", buyers.manager, state="open").json()["items"] == []
    # the day after: as if the clock had gone on
    buyers.rows(
        "INSERT INTO alert_actions (alert_ref, kind, store_id, action, until_on, acted_by)"
        " SELECT alert_ref, kind, store_id, action, %s, acted_by FROM alert_actions WHERE alert_ref = 'snoozed'",
        today(buyers),
    )
    (row,) = buyers.get("/alerts", buyers.manager, state="open").json()["items"]
    assert row["alert_id"] == alert
    for day in (today(buyers), today(buyers) + dt.timedelta(days=91)):
        refused = buyers.post(f"/alerts/{alert}/snooze", buyers.manager, {"until_on": day.isoformat()})
        assert buyers.problem(refused) == (422, "snoozed-too-long")
    assert buyers.audited("alert", alert) == ["alert.snoozed"]


def test_an_action_is_taken_once_and_outlives_the_publication(buyers) -> None:
    alert = raise_alert(buyers, buyers.here, ref="acted")
    first = buyers.post(f"/alerts/{alert}/act", buyers.manager, {"note": "Called the vendor"}, key="the-same-key")
    again = buyers.post(f"/alerts/{alert}/act", buyers.manager, {"note": "Called the vendor"}, key="the-same-key")
    assert (first.status_code, first.json()) == (200, again.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json()["acted_by"].startswith("manager")
    refused = buyers.post(f"/alerts/{alert}/dismiss", buyers.buyer, {"reason": "No longer sold"})
    assert buyers.problem(refused) == (409, "settled-already")
    buyers.rows("DELETE FROM alerts")  # another publication speaks of it again
    later = raise_alert(buyers, buyers.here, ref="acted")
    assert buyers.get(f"/alerts/{later}", buyers.manager).json()["state"] == "acted"
    assert buyers.one("SELECT count(*) AS n FROM alert_actions WHERE alert_ref = 'acted'")["n"] == 1
    assert buyers.audited("alert", alert) == ["alert.acted"]


def test_two_at_once_settle_it_once(buyers) -> None:
    alert = raise_alert(buyers, buyers.here, ref="raced")
    answers = buyers.at_once(
        lambda: buyers.post(f"/alerts/{alert}/act", buyers.manager, {}),
        lambda: buyers.post(f"/alerts/{alert}/dismiss", buyers.buyer, {"reason": "It is a holiday"}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def test_a_dismissal_says_why(buyers) -> None:
    alert = raise_alert(buyers, buyers.here, ref="dismissed")
    assert buyers.post(f"/alerts/{alert}/dismiss", buyers.manager, {}).status_code == 422
    done = buyers.made(f"/alerts/{alert}/dismiss", buyers.manager, {"reason": "The shop was shut"}, 200)
    assert (done["state"], done["reason"]) == ("dismissed", "The shop was shut")


def test_who_may_only_read_and_who_is_of_another_store_act_on_nothing(buyers) -> None:
    alert, chain = raise_alert(buyers, buyers.here, ref="closed"), raise_alert(buyers, None, ref="of the chain")
    assert buyers.problem(buyers.post(f"/alerts/{alert}/act", buyers.user("staff"), {})) == (403, "not-permitted")
    assert buyers.problem(buyers.post(f"/alerts/{alert}/act", buyers.accountant, {})) == (403, "not-permitted")
    assert buyers.problem(buyers.post(f"/alerts/{alert}/act", buyers.stranger, {})) == (403, "store-out-of-scope")
    assert buyers.problem(buyers.post(f"/alerts/{chain}/act", buyers.manager, {}))[0] == 403
    assert buyers.rows("SELECT 1 FROM alert_actions WHERE alert_ref IN ('closed', 'of the chain')") == []
    assert buyers.post(f"/alerts/{chain}/act", buyers.buyer, {}).status_code == 200


def test_how_many_were_acted_on_is_counted_by_kind(buyers) -> None:
    for number, (path, body) in enumerate([("act", {}), ("dismiss", {"reason": "It was a holiday"}), (None, None)]):
        alert = raise_alert(buyers, buyers.here, 10, ref=f"counted {number}", kind="LATE_ORDER")
        if path:
            buyers.made(f"/alerts/{alert}/{path}", buyers.manager, body, 200)
    raise_alert(buyers, buyers.here, 5, ref="beyond", kind="LATE_ORDER", is_listed=False)
    raise_alert(buyers, buyers.there, 7, ref="elsewhere", kind="LATE_ORDER")
    (mine,) = buyers.get("/alerts/summary", buyers.manager).json()["items"]
    assert mine == {
        "kind": "LATE_ORDER", "open_count": 1, "open_amount": "10.00", "beyond_count": 1, "shown_count": 3,
        "acted_count": 1, "snoozed_count": 0, "dismissed_count": 1,
    }  # fmt: skip
    (every,) = buyers.get("/alerts/summary", buyers.buyer).json()["items"]
    assert (every["open_count"], every["shown_count"]) == (2, 4)
    (beyond,) = buyers.get("/alerts", buyers.manager, is_listed=False).json()["items"]
    assert beyond["alert_ref"] == "beyond"


def test_the_ledger_is_append_only(buyers) -> None:
    alert = raise_alert(buyers, buyers.here, ref="kept")
    buyers.made(f"/alerts/{alert}/act", buyers.manager, {}, 200)
    for statement in ("UPDATE alert_actions SET reason = 'x'", "DELETE FROM alert_actions"):
        with pytest.raises(psycopg.errors.RaiseException, match="stays"):
            buyers.rows(statement)
