"""The audit log as it is read: filtered, in pages, and by whom."""

from __future__ import annotations

import asyncio
import datetime as dt

import psycopg
import pytest

from api.identity.principal import Origin, Reach, SignedIn
from api.refusals import Invalid
from api.services.action import Action
from api.services.audit import Event, record_now
from api.services.audit_search import Filter, search
from api.services.paging import Paging, decode

EVENT = Event("order.confirmed", "order", "7", user_id=3, username="asha", after={"total": "2.00"})


@pytest.fixture
def connection(installation):
    with psycopg.connect(installation.databases.operational) as opened:
        yield opened


def look(url, role, wanted=None, paging=None):
    """What somebody of this role finds."""
    user = SignedIn(1, "u", frozenset({role}), 1, dt.datetime.now(dt.UTC))

    async def work():
        async with await psycopg.AsyncConnection.connect(url) as connection:
            await connection.execute("SET ROLE ims_app")
            action = Action(connection, user, Origin("r"), "audit:read_finance", Reach(None))
            return await search(action, wanted or Filter(), paging or Paging(50))

    return asyncio.run(work())


@pytest.fixture
def searched(connection, installation):
    """A log of 30 events of four kinds."""
    for each in range(10):
        kind = "payment.received" if each % 2 else "session.opened"
        record_now(connection, [Event(kind, "x", str(each), user_id=each % 3, request_id=f"r{each}"), EVENT])
        record_now(connection, [Event("access.denied", store_id=each)])
        connection.commit()
    return installation.databases.operational


def test_pages_of_the_log_are_complete_and_newest_first(searched):
    pages = [look(searched, "admin", paging=Paging(7))]
    while pages[-1].next_cursor:
        pages.append(look(searched, "admin", paging=Paging(7, decode(pages[-1].next_cursor))))
    rows = [row for page in pages for row in page.items]
    assert [len(page.items) for page in pages] == [7, 7, 7, 7, 2]
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)
    assert len({row["audit_id"] for row in rows}) == 30


def test_filters_narrow(searched):
    def count(**named):
        return len(look(searched, "admin", Filter(**named)).items)

    assert count(kinds=["access.denied"]) == 10
    assert count(kinds=["access.denied", "session.opened"]) == 15
    assert count(severity="warning") == 10
    assert count(user_id=3) == 10
    assert count(store_id=4) == 1
    assert count(entity_type="x", entity_id="4") == 1
    assert count(request_id="r4") == 1
    now = dt.datetime.now(dt.UTC)
    assert (count(since=now), count(until=now)) == (0, 30)


def test_who_answers_for_money_sees_money_alone(searched):
    assert {row["kind"] for row in look(searched, "accountant").items} == {"payment.received", "order.confirmed"}
    assert look(searched, "accountant", Filter(kinds=["access.denied"])).items == []
    assert len(look(searched, "accountant", Filter(kinds=["access.denied", "payment.received"])).items) == 5


@pytest.mark.parametrize("after", [(1,), ("x", 1), ("2026-01-01", "1"), (None, None)])
def test_a_cursor_of_another_list_is_refused(searched, after):
    with pytest.raises(Invalid):
        look(searched, "admin", paging=Paging(5, after))
