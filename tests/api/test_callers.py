"""What every route has from `api.routes.caller`: one answer for one key, validators, parts, pages, traces."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx import Response
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from api.refusals import Invalid
from api.services.paging import Paging, decode, encode
from ims.postgres import Databases

Ask = Callable[..., Response]


@pytest.fixture(scope="module")
def ask(shared_url: str, make_user) -> Iterator[Ask]:
    """Sends a request as a user: the admin `ada`, the admin `abe`, or the staff member `sam`."""
    tokens = {
        name: make_user(shared_url, name, roles=(role,))
        for name, role in (("ada", "admin"), ("abe", "admin"), ("sam", "staff"))
    }
    with TestClient(create_app(Databases(*[shared_url] * 3)), base_url="http://ims.test") as client:

        def request(who: str, method: str, path: str, body: object = None, **headers: str) -> Response:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            given["authorization"] = f"Bearer {tokens[who]}"
            return client.request(method, f"/api/v1{path}", json=body, headers=given)

        yield request


def store(code: str, name: str = "Pune") -> dict[str, str]:
    return {"store_code": code, "name": name}


def count(url: str, query: str, *values: object) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute(query, values).fetchone()[0]


def test_a_key_answers_once_and_the_same_again(ask: Ask, shared_url: str) -> None:
    first = ask("ada", "POST", "/stores", store("K1"), idempotency_key="key-of-k1")
    again = ask("ada", "POST", "/stores", store("K1"), idempotency_key="key-of-k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert (
        count(
            shared_url,
            "SELECT count(*) FROM audit_log WHERE kind = 'store.opened' AND entity_id = %s",
            str(first.json()["store_id"]),
        )
        == 1
    )


def test_a_key_is_for_one_request_of_one_user(ask: Ask) -> None:
    assert ask("ada", "POST", "/stores", store("K2"), idempotency_key="key-of-k2").status_code == 201
    other = ask("ada", "POST", "/stores", store("K3"), idempotency_key="key-of-k2")
    assert (other.status_code, other.json()["type"]) == (409, "urn:ims:problem:key-reused")
    # somebody else's key of the same name is another key
    assert ask("abe", "POST", "/stores", store("K3"), idempotency_key="key-of-k2").status_code == 201


def test_a_refused_request_leaves_its_key_free(ask: Ask) -> None:
    assert ask("ada", "POST", "/stores", store("K4"), idempotency_key="key-of-k4").status_code == 201
    refused = ask("ada", "POST", "/stores", store("K4"), idempotency_key="another-key")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:ims:problem:store-code-taken")
    assert ask("ada", "POST", "/stores", store("K5"), idempotency_key="another-key").status_code == 201


@pytest.mark.parametrize("key", [None, "short", "with space in it", "x" * 101])
def test_creating_needs_a_proper_key(ask: Ask, key: str | None) -> None:
    headers = {} if key is None else {"idempotency_key": key}
    answer = ask("ada", "POST", "/stores", store("K6"), **headers)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["where"] == "header.idempotency-key"


def test_the_same_request_at_once_is_done_once(ask: Ask, shared_url: str) -> None:
    answers: list[Response] = []

    def send() -> None:
        answers.append(ask("ada", "POST", "/stores", store("K7"), idempotency_key="key-of-k7"))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert count(shared_url, "SELECT count(*) FROM stores WHERE store_code = 'K7'") == 1


def test_a_state_that_is_known_is_not_sent_again(ask: Ask) -> None:
    made = ask("ada", "POST", "/stores", store("E1"), idempotency_key="key-of-e1").json()
    path = f"/stores/{made['store_id']}"
    tag = ask("ada", "GET", path).headers["etag"]
    again = ask("ada", "GET", path, if_none_match=tag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert ask("ada", "GET", path, if_none_match='"other"').status_code == 200


def test_a_change_is_made_to_the_state_it_was_meant_for(ask: Ask) -> None:
    made = ask("ada", "POST", "/stores", store("E2"), idempotency_key="key-of-e2").json()
    path = f"/stores/{made['store_id']}"
    seen = ask("ada", "GET", path).headers["etag"]
    assert ask("abe", "PATCH", path, {"city": "Pune"}, if_match=seen).status_code == 200
    late = ask("ada", "PATCH", path, {"city": "Goa"}, if_match=seen)
    assert (late.status_code, late.json()["type"]) == (412, "urn:ims:problem:changed-meanwhile")
    assert ask("ada", "GET", path).json()["city"] == "Pune"
    assert ask("ada", "PATCH", path, {"city": "Goa"}).status_code == 200  # whoever does not ask, overwrites


def test_an_answer_can_be_asked_for_in_part(ask: Ask) -> None:
    made = ask("ada", "POST", "/stores", store("F1"), idempotency_key="key-of-f1").json()
    assert ask("ada", "GET", f"/stores/{made['store_id']}?fields=name,kind").json() == {"name": "Pune", "kind": "store"}
    items = ask("ada", "GET", "/stores?fields=store_code&limit=1").json()["items"]
    assert items == [{"store_code": "F1"}]
    unknown = ask("ada", "GET", f"/stores/{made['store_id']}?fields=password_hash")
    assert (unknown.status_code, unknown.json()["faults"][0]["where"]) == (422, "fields")


def test_pages_give_every_row_once(ask: Ask) -> None:
    for number in range(7):
        ask("ada", "POST", "/stores", store(f"P{number}"), idempotency_key=f"key-of-p{number}")
    whole = [each["store_id"] for each in ask("ada", "GET", "/stores?limit=200").json()["items"]]
    found, cursor = [], ""
    while True:
        page = ask("ada", "GET", f"/stores?limit=3{cursor}").json()
        found += [each["store_id"] for each in page["items"]]
        if "next_cursor" not in page:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == whole == sorted(whole, reverse=True)


def test_what_is_refused_is_written_down_and_changes_nothing(ask: Ask, shared_url: str) -> None:
    before = count(shared_url, "SELECT count(*) FROM stores")
    assert ask("sam", "POST", "/stores", store("D1"), idempotency_key="key-of-d1").status_code == 403
    with psycopg.connect(shared_url) as connection:
        event = connection.execute(
            "SELECT username, roles, entity_id, after->>'code' FROM audit_log WHERE kind = 'access.denied'"
            " ORDER BY at DESC LIMIT 1"
        ).fetchone()
    assert event == ("sam", ["staff"], "store:write", "not-permitted")
    assert count(shared_url, "SELECT count(*) FROM stores") == before


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1) | st.text().filter(lambda text: "\x00" not in text), max_size=4))
def test_a_cursor_comes_back_as_it_was_made(key: list[int | str]) -> None:
    cursor = encode(key)
    if len(cursor) <= 512:
        assert decode(cursor) == tuple(key)


@given(st.text(max_size=60))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with contextlib.suppress(Invalid):  # nothing else may come of it
        assert isinstance(decode(text), tuple)


@pytest.mark.parametrize("key", [(), ("a",), (1, 2), (None,)])
def test_a_cursor_of_another_list_is_refused(key: tuple[object, ...]) -> None:
    with pytest.raises(Invalid):
        Paging(10, key).after_id()
