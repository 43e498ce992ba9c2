"""Every role against every permission and every operation: the table of the domain, written out a second time.

A all stores, S the user's stores, R only the user's own records, * only when granted, - not at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from api.app import create_app
from api.docs import described_app
from api.identity.policy import grants_of, permissions, roles
from api.routes.answers import write_json
from api.surface import Operation, operations
from ims.postgres import Databases

Ask = Callable[..., Response]
ROLES = ("superadmin", "admin", "buyer", "manager", "accountant", "analyst", "staff")
EXPECTED = """
store:read                A A A S A A S
store:write               A A - - - - -
product:read              A A A A A A A
product:write             A A - - - - -
product:write_terms       A A A - - - -
product:import            A A A - - - -
price:read                A A A A A A A
price:write               A A - - - - -
cost:read                 A A A - A * -
settings:read             A A A - A A -
settings:write            A - - - - - -
customer:read             A A - S - - S
customer:read_masked      A A - S A A S
customer:write            A A - S - - S
customer:export           A A - - - - -
customer:erase            A A - - - - -
consent:write             A A - S - - S
prescription:read         - - - S - - *
prescription:read_masked  A A - S - A -
prescription:break_glass  A - - - - - -
prescription:write        - - - * - - *
eye_test:read             A A - S - - S
eye_test:queue            A A - S - - S
eye_test:write            - - - * - - *
order:read                A A - S A - R
order:create              A A - S - - R
order:update              A A - S - - R
order:cancel              A A - S - - -
order:return              A A - S - - -
discount:approve          A A - S - - -
payment:read              A A - S A - R
payment:take              A A - S - - R
payment:refund            A A - S - - -
lab:read                  A A - S - - S
lab:write                 A A - S - - S
stock:read                A A A S A A S
stock:adjust              A A A S - - -
stock:approve             A A - - - - -
stock:count               A A A S - - -
stock:reverse             A A - - - - -
transfer:read             A A A S A A S
transfer:request          A A A S - - -
transfer:approve          A A A S - - -
transfer:ship             A A - S - - S
transfer:receive          A A - S - - S
vendor:read               A A A A A A -
vendor:write              A A A - - - -
purchase:read             A A A S A A -
purchase:draft            A A A S - - -
purchase:approve          A A A - - - -
purchase:receive          A A A S - - -
purchase:match            A A - - A - -
expense:read              A A R S A - R
expense:submit            A A A S - - S
expense:approve           A A - S A - -
expense:pay               A - - - A - -
report:sales              A A A S A A S
report:stock              A A A S A A S
report:clinical           A A - S - A R
report:staff              A A - S - - R
forecast:read             A A A S - A -
forecast:run              A A A - - A -
forecast:override         A - A S - - -
suggestion:read           A A A S - A -
suggestion:edit           A - A S - - -
suggestion:approve        A A A S - - -
suggestion:export         A A A S - - -
alert:read                A A A S A A S
alert:act                 A A A S - A -
export:plain              A A A S A A -
export:personal           A - - - - - -
quality:read              A A A S - A -
quality:waive             A - - - - A -
quarantine:release        A - - - - - -
pipeline:read             A A - - - A -
pipeline:run              A - - - - A -
pipeline:backfill         A - - - - A -
user:read                 A A - - - - -
user:write                A A - - - - -
role:assign               A - - - - - -
session:revoke            A A - - - - -
audit:read                A A - - - - -
audit:read_finance        A A - - A - -
saved_view:use            R R R R R R R
subscription:read         A A R R R R -
subscription:write        A A R R R R -
notification:read         A A - - - - -
"""
CELLS = {
    (line.split()[0], role): letter
    for line in EXPECTED.strip().splitlines()
    for role, letter in zip(ROLES, line.split()[1:], strict=True)
}
LETTERS = {"all": "A", "stores": "S", "records": "R", None: "-"}
OPERATIONS = operations(described_app())
# what anybody may ask, or anybody who is signed in may ask about their own account
WITHOUT_PERMISSION = {
    "/health", "/ready", "/metrics", "/api/v1/tokens", "/api/v1/tokens/refresh", "/api/v1/tokens/current",
    "/api/v1/account", "/api/v1/account/password", "/api/v1/account/totp", "/api/v1/account/totp/confirm",
    "/api/v1/account/totp/disable", "/api/v1/account/totp/backup-codes", "/api/v1/sessions",
    "/api/v1/sessions/{session_id}", "/api/v1/password-resets", "/api/v1/password-resets/confirm",
    "/api/v1/publication",
}  # fmt: skip


def test_the_table_names_every_permission_and_role_of_the_policy() -> None:
    assert roles() == ROLES
    assert {permission for permission, _ in CELLS} == set(permissions())
    assert len(permissions()) >= 45


@pytest.mark.parametrize(("permission", "role"), CELLS)
def test_a_role_reaches_as_far_as_the_table_says(permission: str, role: str) -> None:
    expected = CELLS[permission, role]
    plain, granted = grants_of(frozenset({role})), grants_of(frozenset({role}), frozenset({permission}))
    if expected == "*":
        pinned = role in {"manager", "staff"}
        assert (plain.scope(permission), granted.scope(permission)) == (None, "stores" if pinned else "all")
    else:
        assert LETTERS[plain.scope(permission)] == expected
        assert granted.scope(permission) == plain.scope(permission), "a grant the role may not be given counts nothing"


@pytest.mark.parametrize("first", ROLES)
@pytest.mark.parametrize("second", ROLES)
def test_two_roles_reach_as_far_as_the_wider(first: str, second: str) -> None:
    order = ["A", "S", "R", "-"]
    both = grants_of(frozenset({first, second}))
    for permission in permissions():
        alone = [LETTERS[grants_of(frozenset({role})).scope(permission)] for role in (first, second)]
        assert LETTERS[both.scope(permission)] == min(alone, key=order.index)


def test_whoever_has_no_role_may_nothing() -> None:
    assert grants_of(frozenset()).scopes == {}
    assert grants_of(frozenset({"unheard-of"}), frozenset(permissions())).scopes == {}


def test_every_operation_asks_for_a_permission_or_is_known_not_to() -> None:
    """Deny by default: a new route without a permission fails here."""
    assert {each.path for each in OPERATIONS if each.permission is None} == WITHOUT_PERMISSION


def test_costs_are_left_out_at_any_depth() -> None:
    value = {"sku": "A", "unit_cost": 1, "lines": [{"cost_at_sale": 2, "quantity": 3}]}
    assert json.loads(write_json(value, sees_cost=False)) == {"sku": "A", "lines": [{"quantity": 3}]}


@pytest.fixture(scope="module")
def ask(shared_url: str, make_user) -> Iterator[Ask]:
    """Sends a request as a user of a role, who has no stores."""
    tokens = {role: make_user(shared_url, role, roles=(role,)) for role in ROLES}
    with TestClient(create_app(Databases(*[shared_url] * 3)), base_url="http://ims.test") as client:
        yield lambda role, *request, headers, **rest: client.request(
            *request, headers={**headers, "authorization": f"Bearer {tokens[role]}"}, **rest
        )


@pytest.mark.parametrize("role", ROLES)
def test_an_operation_is_refused_to_whoever_lacks_its_permission(ask: Ask, role: str) -> None:
    """Every operation with a permission, asked with an empty body about record 1, by every role."""
    wrong = []
    for each in OPERATIONS:
        if each.permission is not None:
            refused = is_refused(ask, role, each)
            if refused != (CELLS[each.permission, role] in "-*"):
                wrong.append(f"{each.method} {each.path} ({each.permission}): refused {refused}")
    assert wrong == []


def is_refused(ask: Ask, role: str, operation: Operation) -> bool:
    """Whether the permission was what the operation was refused for."""
    path = re.sub(r"\{\w+\}", "1", operation.path)
    headers = {"idempotency-key": f"roles-{operation.method}-{path}"}
    body = {} if operation.method in {"POST", "PUT", "PATCH"} else None
    answer = ask(role, operation.method, path, json=body, headers=headers)
    assert answer.status_code < 500, answer.text
    return answer.status_code == 403 and answer.json()["type"] == "urn:ims:problem:not-permitted"
