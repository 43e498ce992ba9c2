"""Users: added, changed, given roles by who may; nobody rises by themselves, nobody acts above their rank."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import re
import time
from typing import Any

import pytest

from api.identity.principal import Origin, Reach, SignedIn
from api.refusals import Conflict
from api.services.action import Action
from api.services.connections import create_pool
from api.services.transactions import write
from api.services.users_roles import assign_roles

NUMBER = itertools.count(1)


@pytest.fixture
def chief(buyers) -> dict[str, str]:
    """A superadmin."""
    return buyers.user("superadmin", ())


def add(buyers: Any, who: dict[str, str], **more: object) -> dict[str, Any]:
    body = {"username": f"new.person{next(NUMBER)}", "store_ids": [buyers.here], **more}
    return buyers.made("/users", who, body)


def own_id(buyers: Any, who: dict[str, str]) -> int:
    return buyers.get("/account", who).json()["user_id"]


def sign_in(buyers: Any, username: str, password: str) -> Any:
    return buyers.client.post("/api/v1/tokens", json={"username": username, "password": password})


def test_a_new_user_is_invited_and_gets_in(buyers, chief) -> None:
    made = add(buyers, buyers.admin, email=f"p{next(NUMBER)}@chain.example", full_name="Asha R")
    assert (made["roles"], made["store_ids"], made["primary_store_id"]) == ([], [buyers.here], buyers.here)
    mail = buyers.one(
        "SELECT payload FROM outbox_messages WHERE topic = 'user.created' AND recipient = %s", made["email"]
    )
    token = re.search(r"token=([\w-]+)", mail["payload"]["link"])[1]
    body = {"token": token, "password": "a long enough one"}
    assert buyers.client.post("/api/v1/password-resets/confirm", json=body).status_code == 204
    given = buyers.send("PUT", f"/users/{made['user_id']}/roles", chief, {"roles": ["manager"], "grants": []})
    assert given.json()["roles"] == ["manager"]
    signed_in = sign_in(buyers, made["username"], body["password"])
    assert signed_in.status_code in (200, 201), signed_in.text
    event = buyers.one(
        "SELECT after FROM audit_log WHERE kind = 'user.created' AND entity_id = %s", str(made["user_id"])
    )
    assert "Asha" not in str(event["after"])
    kinds = ["user.created", "password.reset", "user.roles_changed"]
    assert buyers.audited("user", made["user_id"])[:3] == kinds


def test_a_temporary_password_is_told_once_and_kept_nowhere(buyers) -> None:
    made = add(buyers, buyers.admin)
    path = f"/users/{made['user_id']}"
    assert buyers.problem(buyers.post(f"{path}/password-reset", buyers.admin)) == (409, "no-address")
    answer = buyers.post(f"{path}/temporary-password", buyers.admin)
    assert answer.headers["cache-control"] == "no-store"
    password = answer.json()["temporary_password"]
    for table in ("audit_log", "idempotency_keys", "outbox_messages", "users"):
        assert not buyers.rows(f"SELECT 1 FROM {table} AS t WHERE t::text LIKE '%%' || %s || '%%'", password), table
    assert buyers.get(path, buyers.admin).json()["must_change_password"] is True
    # it lets its owner in, or on to a change of password
    assert "wrong" not in sign_in(buyers, made["username"], password).text
    again = buyers.post(f"{path}/temporary-password", buyers.admin).json()["temporary_password"]
    assert again != password
    assert sign_in(buyers, made["username"], password).status_code in (401, 403, 429)


def test_nobody_acts_above_their_rank(buyers, chief) -> None:
    top = own_id(buyers, chief)
    path = f"/users/{top}"
    for method, end, body in (
        ("PATCH", "", {"email": "mine@evil.example"}),
        ("PATCH", "", {"is_active": False}),
        ("POST", "/temporary-password", None),
        ("POST", "/password-reset", None),
        ("POST", "/unlock", None),
        ("DELETE", "/sessions", None),
    ):
        assert buyers.problem(buyers.send(method, path + end, buyers.admin, body)) == (403, "outranks-you"), end
    for who in (buyers.admin, buyers.buyer, buyers.manager):
        refused = buyers.send("PUT", f"/users/{own_id(buyers, who)}/roles", who, {"roles": ["superadmin"]})
        assert buyers.problem(refused) == (403, "not-permitted")
    for who in (buyers.manager, buyers.accountant, buyers.buyer):
        assert buyers.problem(buyers.get("/users", who)) == (403, "not-permitted")
    assert buyers.problem(buyers.post("/users", buyers.manager, {"username": "x"})) == (403, "not-permitted")
    assert buyers.get(path, buyers.admin).json()["is_active"] is True


def test_nobody_changes_their_own_roles_stores_or_activity(buyers, chief) -> None:
    me = own_id(buyers, chief)
    refused = buyers.send("PUT", f"/users/{me}/roles", chief, {"roles": ["superadmin", "staff"]})
    assert buyers.problem(refused) == (403, "own-account")
    assert buyers.problem(buyers.send("PATCH", f"/users/{me}", chief, {"is_active": False})) == (403, "own-account")
    admin = own_id(buyers, buyers.admin)
    own = buyers.send("PATCH", f"/users/{admin}", buyers.admin, {"store_ids": [buyers.here]})
    assert buyers.problem(own) == (403, "own-account")
    assert buyers.problem(buyers.post(f"/users/{admin}/temporary-password", buyers.admin)) == (403, "own-account")
    assert buyers.send("PATCH", f"/users/{admin}", buyers.admin, {"full_name": "Me"}).json()["full_name"] == "Me"


def test_grants_are_given_only_where_the_policy_allows(buyers, chief) -> None:
    user = add(buyers, chief)["user_id"]
    path = f"/users/{user}/roles"
    given = buyers.send("PUT", path, chief, {"roles": ["staff"], "grants": ["prescription:write"]})
    assert given.json()["grants"] == ["prescription:write"]
    for roles, grants, code in (
        (["staff"], ["cost:read"], "not-grantable"),
        (["analyst"], ["prescription:write"], "not-grantable"),
        (["staff"], ["role:assign"], "not-grantable"),
        (["staff"], ["no:such"], "not-grantable"),
        (["king"], [], "invalid-request"),
    ):
        refused = buyers.send("PUT", path, chief, {"roles": roles, "grants": grants})
        assert buyers.problem(refused) == (422, code)
    shown = buyers.get(f"/users/{user}", chief).json()
    assert (shown["roles"], shown["grants"]) == (["staff"], ["prescription:write"])
    seen = buyers.get(f"/users/{user}", chief).headers["etag"]
    assert buyers.send("PUT", path, chief, {"roles": ["buyer"]}, **{"if-match": seen}).json()["roles"] == ["buyer"]
    stale = buyers.send("PUT", path, chief, {"roles": ["staff"]}, **{"if-match": seen})
    assert buyers.problem(stale)[0] == 412


def test_the_last_superadmin_stays(buyers, chief) -> None:
    me = own_id(buyers, chief)
    buyers.rows("UPDATE users SET is_active = false WHERE user_id <> %s AND username LIKE 'superadmin%%'", me)
    other = buyers.user("superadmin", ())
    other_id = own_id(buyers, other)
    # two who remove each other: one of them is first
    answers = buyers.at_once(
        lambda: buyers.send("PUT", f"/users/{other_id}/roles", chief, {"roles": ["staff"]}),
        lambda: buyers.send("PUT", f"/users/{me}/roles", other, {"roles": ["staff"]}),
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 409])
    (last,) = buyers.rows(
        "SELECT user_id FROM user_roles JOIN users USING (user_id) WHERE role = 'superadmin' AND is_active"
    )
    # as the loser of that race, whose rights were read before they were taken
    gone = SignedIn(0, "gone", frozenset({"superadmin"}), 0, dt.datetime.now(dt.UTC))

    async def remove() -> None:
        async def work(action: Action) -> None:
            await assign_roles(action, last["user_id"], ["staff"], [])

        async with create_pool(buyers.url) as pool:
            await write(pool, lambda c: Action(c, gone, Origin("r"), "role:assign", Reach(None)), work)

    with pytest.raises(Conflict, match="last active superadmin"):
        asyncio.run(remove())


def await_signed_out(buyers, headers: dict[str, str]) -> None:
    """The process hears of an ended session from the database, milliseconds after the commit."""
    deadline = time.monotonic() + 5
    while buyers.client.get("/api/v1/account", headers=headers).status_code != 401:
        assert time.monotonic() < deadline, "the session is still open"
        time.sleep(0.01)


def test_sessions_are_listed_and_ended(buyers) -> None:
    staff = buyers.user("staff")
    user = own_id(buyers, staff)
    path = f"/users/{user}/sessions"
    (session,) = buyers.get(path, buyers.admin).json()["items"]
    assert session["kind"] == "browser"
    other = own_id(buyers, buyers.manager)
    wrong = buyers.send("DELETE", f"/users/{other}/sessions/{session['session_id']}", buyers.admin)
    assert buyers.problem(wrong) == (404, "unknown-session")
    assert buyers.send("DELETE", f"{path}/{session['session_id']}", buyers.admin).status_code == 204
    assert buyers.get(path, buyers.admin).json()["items"] == []
    await_signed_out(buyers, staff)
    assert buyers.audited("session", session["session_id"]) == ["session.revoked"]
    assert buyers.problem(buyers.send("DELETE", path, buyers.manager)) == (403, "not-permitted")


def test_a_user_is_switched_off_and_on_and_unlocked(buyers) -> None:
    staff = buyers.user("staff")
    user = own_id(buyers, staff)
    path = f"/users/{user}"
    assert buyers.send("PATCH", path, buyers.admin, {"is_active": False}).json()["is_active"] is False
    await_signed_out(buyers, staff)
    assert buyers.problem(buyers.post(f"{path}/password-reset", buyers.admin)) == (409, "user-inactive")
    buyers.send("PATCH", path, buyers.admin, {"is_active": True})
    buyers.rows("UPDATE users SET locked_until = now() + interval '1 hour' WHERE user_id = %s", user)
    assert buyers.get(path, buyers.admin).json()["is_locked"] is True
    assert buyers.post(f"{path}/unlock", buyers.admin).status_code == 204
    assert buyers.get(path, buyers.admin).json()["is_locked"] is False
    kinds = ["user.deactivated", "user.activated", "user.unlocked"]
    assert buyers.audited("user", user) == kinds


def test_what_is_wrong_is_refused(buyers) -> None:
    made = add(buyers, buyers.admin)
    taken = buyers.post("/users", buyers.admin, {"username": made["username"]})
    assert buyers.problem(taken) == (409, "username-taken")
    for wrong in (
        {"store_ids": [10**9]},
        {"store_ids": [], "primary_store_id": buyers.here},
        {"username": "a b"},
        {"roles": ["superadmin"]},
        {"email": "none"},
        {"email": "a\x00b@c.example"},
        {"email": "https://x@c.example"},
        {"discount_cap": "1.5"},
    ):
        body = {"username": f"other{next(NUMBER)}", **wrong}
        assert buyers.post("/users", buyers.admin, body).status_code == 422, wrong
    email = f"same{next(NUMBER)}@chain.example"
    add(buyers, buyers.admin, email=email)
    twice = buyers.post("/users", buyers.admin, {"username": f"other{next(NUMBER)}", "email": email.upper()})
    assert buyers.problem(twice)[0] == 409
    assert buyers.problem(buyers.get(f"/users/{10**12}", buyers.admin)) == (404, "unknown-user")
    found = buyers.post("/users/search", buyers.admin, {"q": made["username"].upper()}).json()["items"]
    assert made["user_id"] in {user["user_id"] for user in found}
