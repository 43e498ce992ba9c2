"""The API's description of itself: every operation and shape has a name of its own, every error is a problem."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.docs import described_app

DESCRIPTION = described_app().openapi()
OPERATIONS = [
    (method, path, operation) for path, methods in DESCRIPTION["paths"].items() for method, operation in methods.items()
]
NAMES = [f"{method} {path}" for method, path, _ in OPERATIONS]


def test_names_are_those_a_person_would_give() -> None:
    identifiers = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(identifiers)) == len(identifiers)
    assert [name for name in DESCRIPTION["components"]["schemas"] if "__" in name] == []


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_an_operation_says_what_it_does_and_how_it_refuses(method: str, path: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["tags"]
    errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
    for status, answer in errors.items():
        if not (path == "/ready" and status == "503"):
            assert set(answer["content"]) == {"application/problem+json"}, f"{method} {path} {status}"
    if operation["security"]:
        assert {"401", "403"} <= set(errors)


def test_every_shape_that_is_named_exists() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    named = set(references(DESCRIPTION))
    assert named <= set(schemas)
    assert set(schemas) - named == set(), "a shape that nothing uses"


def test_keys_with_a_pattern_leave_no_other_key_free() -> None:
    """What is refused for its key is said to be: `patternProperties` alone is silent on every other key."""
    patterned = [node for node in parts(DESCRIPTION["components"]["schemas"]) if "patternProperties" in node]
    assert patterned
    assert [node for node in patterned if node.get("additionalProperties") is not False] == []


# members of a record of the chain's goods, and numbers of documents: who is sought goes in a body
SOUGHT_IN_ADDRESSES = {"/api/v1/products", "/api/v1/vendors", "/api/v1/orders"}


def test_people_are_sought_in_bodies() -> None:
    sought = {path for _, path, operation in OPERATIONS if "q" in names_of_parameters(operation)}
    assert sought == SOUGHT_IN_ADDRESSES
    for people in ("customers", "users"):
        body = DESCRIPTION["paths"][f"/api/v1/{people}/search"]["post"]["requestBody"]["content"]["application/json"]
        assert "q" in DESCRIPTION["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]["properties"]
    personal = re.compile(r"name|mobile|mail|phone|address|born|token|password|secret|patient_name|city")
    told = {
        f"{path}?{name}" for _, path, operation in OPERATIONS for name in names_of_parameters(operation)
        if personal.search(name)
    }  # fmt: skip
    assert told == set()


def names_of_parameters(operation: dict[str, Any]) -> set[str]:
    """The names of an operation's parameters in its query."""
    return {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}


def parts(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in a part of the description, itself among them."""
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from parts(each)


def references(node: Any) -> list[str]:
    """The names of all shapes that a part of the description refers to."""
    if isinstance(node, dict):
        own = [node["$ref"].rpartition("/")[2]] if isinstance(node.get("$ref"), str) else []
        return own + [name for value in node.values() for name in references(value)]
    if isinstance(node, list):
        return [name for value in node for name in references(value)]
    return []
