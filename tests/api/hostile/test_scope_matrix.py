"""Every role × operation × store: what is out of reach is refused, leaves a trace, changes nothing, shows nothing."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from openpyxl import load_workbook

from api.docs import described_app
from api.identity.policy import Grants, grants_of, roles
from api.surface import Operation, operations

OPERATIONS = [each for each in operations(described_app()) if each.permission]
# rows that belong to no store: whoever may ask, may ask for all of them
OF_NO_STORE = {"checks", "products", "tax-classes", "vendors", "lens-grids", "settings", "discount-caps", "users"}
STORE_MEMBERS = ("store_id", "home_store_id", "from_store_id", "delivery_store_id")
OUT_OF_REACH = {"urn:ims:problem:store-out-of-scope", "urn:ims:problem:not-own-record"}
# refused whatever the store: a rule between people, not a reach
OWN_REQUEST = "urn:ims:problem:own-request"
ONLY_ITS_MAKER = {"PATCH /api/v1/expenses/{expense_id}"}


def key_kind(operation: Operation) -> str | None:
    """What the first parameter of the path is the key of."""
    found = re.search(r"([\w-]+)/\{", operation.path)
    return found[1] if found else None


ROLES = (*roles(), "optometrist")


def grants_of_role(world: Any, role: str) -> Grants:
    """What a role may; an optometrist is staff with more."""
    if role == "optometrist":
        return grants_of(frozenset({"staff"}), frozenset(world.clinical))
    return grants_of(frozenset({role}))


def scope_of(grants: Grants, permission: str) -> str | None:
    """How far a role reaches; what it may read in full it may read masked."""
    return grants.scope(permission) or grants.scope(permission.removesuffix("_masked"))


KEYED = [each for each in OPERATIONS if key_kind(each) not in {None, *OF_NO_STORE}]


def test_every_key_in_a_path_has_a_record_in_the_world(world: Any) -> None:
    for each in OPERATIONS:
        world.path(each.path, "here")


def test_every_body_of_the_world_is_well_formed(world: Any) -> None:
    """Else a refusal below would be about the body, and say nothing about the reach."""
    wrong = []
    for each in KEYED:
        answer = ask(world, "superadmin", each, "there")
        if answer.status_code == 422 and answer.json()["type"].endswith("invalid-request"):
            wrong.append(f"{each.method} {each.path}: {answer.text}")
    assert wrong == []


def ask(world: Any, role: str, operation: Operation, of: str) -> Any:
    body = world.body(operation.method, operation.path, of)
    answer = world.ask(role, operation.method, world.path(operation.path, of), body)
    assert answer.status_code < 500, f"{operation.method} {operation.path}: {answer.text}"
    return answer


def refusal(answer: Any) -> str | None:
    return answer.json()["type"] if answer.status_code == 403 else None


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reaches_its_own_and_no_further(world: Any, role: str) -> None:
    """Asked first about what is out of reach: after that nothing may be different but the trail."""
    grants = grants_of_role(world, role)
    before, refused, wrong = world.kept(), world.denied(role), []
    asked = 0
    for each in KEYED:
        scope = scope_of(grants, each.permission)
        beyond = {None: ["here", "there"], "records": ["here", "there"], "stores": ["there"], "all": []}[scope]
        for of in beyond:
            answer, asked = ask(world, role, each, of), asked + 1
            allowed = {"urn:ims:problem:not-permitted"} if scope is None else OUT_OF_REACH
            if refusal(answer) not in allowed:
                wrong.append(f"{each.method} {each.path} of {of}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []
    assert world.kept() == before
    assert world.denied(role) == refused + asked


@pytest.mark.parametrize("role", ROLES)
def test_what_is_in_reach_is_not_refused_for_its_store(world: Any, role: str) -> None:
    grants = grants_of_role(world, role)
    wrong = []
    for each in KEYED:
        scope = scope_of(grants, each.permission)
        within = {None: [], "records": [role], "stores": ["here"], "all": ["here", "there"]}[scope]
        for of in within:
            answer = ask(world, role, each, of)
            name = f"{each.method} {each.path}"
            by_rule = refusal(answer) == OWN_REQUEST or (name in ONLY_ITS_MAKER and refusal(answer) in OUT_OF_REACH)
            if answer.status_code == 404 or (refusal(answer) and not by_rule):
                wrong.append(f"{name} of {of}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []


@pytest.mark.parametrize("role", ["manager", "staff", "optometrist"])
def test_a_body_may_not_name_another_store(world: Any, role: str) -> None:
    """Operations without a key whose body says for which store."""
    grants = grants_of_role(world, role)
    before, wrong, asked = world.kept(), [], 0
    for each in OPERATIONS:
        if key_kind(each) is not None or scope_of(grants, each.permission) is None:
            continue
        body = world.body(each.method, each.path, "there")
        if isinstance(body, dict) and any(name in body for name in STORE_MEMBERS):
            asked += 1
            answer = world.ask(role, each.method, each.path, body)
            if refusal(answer) not in OUT_OF_REACH:
                wrong.append(f"{each.method} {each.path}: {answer.status_code} {answer.text[:200]}")
    assert asked
    assert wrong == []
    assert world.kept() == before


@pytest.mark.parametrize("role", ["manager", "staff", "optometrist"])
def test_no_list_shows_another_store(world: Any, role: str) -> None:
    """With and without a filter that asks for it: refused or empty, but never a row of there."""
    grants = grants_of_role(world, role)
    there = world.key("there", "stores")
    shown = []
    for each in OPERATIONS:
        if each.method != "GET" or key_kind(each) is not None or scope_of(grants, each.permission) is None:
            continue
        names = {p["name"] for p in world.described["paths"][each.path]["get"].get("parameters", ())}
        asked = [each.path, f"{each.path}?limit=200"] if "limit" in names else [each.path]
        asked += [f"{each.path}?{name}={there}" for name in names & {"store_id", "from_store_id", "to_store_id"}]
        asked += [f"{each.path}?store=Yonder"] if "store" in names else []
        asked += [f"{each.path}?q=Yonder"] if "q" in names else []
        answers = {path: world.ask(role, "GET", path) for path in asked}
        if "post" in world.described["paths"].get(f"{each.path}/search", {}):
            answers["a search"] = world.ask(role, "POST", f"{each.path}/search", {"q": "Yonder"})
        for path, answer in answers.items():
            assert answer.status_code < 500, (path, answer.text)
            if answer.is_success and "Yonder" in answer.text:
                shown.append(f"{path}: {answer.text[:300]}")
    assert shown == []


@pytest.mark.parametrize("role", ["manager", "staff", "analyst"])
def test_costs_are_in_no_answer_to_whoever_may_not_see_them(world: Any, role: str) -> None:
    """414.14 is what things cost here, and nothing else is."""
    for each in OPERATIONS:
        if each.method == "GET":
            for of in ("here", "staff"):
                answer = world.ask(role, "GET", world.path(each.path, of))
                text, names = told(answer)
                assert "414.14" not in text, each.path
                for name in names:
                    assert not re.search(r"(^|_)(cost|margin)(_|$)", name), f"{each.path} answers {name}"
    costs = world.ask("buyer", "GET", f"/api/v1/products/{world.key('here', 'products')}")
    assert "414.14" in costs.text, "the world has a cost to hide"


def told(answer: Any) -> tuple[str, set[str]]:
    """All that an answer says, and the names it gives its values: members of JSON, heads of a workbook's columns."""
    if "spreadsheetml" not in answer.headers.get("content-type", ""):
        return answer.text, members(json.loads(answer.text or "{}"))
    lines = [line for sheet in load_workbook(io.BytesIO(answer.content)) for line in sheet.values]
    cells = [str(cell) for line in lines for cell in line if cell is not None]
    return "\n".join(cells), {cell.lower().replace(" ", "_") for cell in cells}


def members(value: Any) -> set[str]:
    """The names of all members, at any depth."""
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in members(inner)}
    return {name for inner in value for name in members(inner)} if isinstance(value, list) else set()
