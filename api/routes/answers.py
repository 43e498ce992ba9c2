"""How an answer is written: stable JSON without empty members, no cost for whoever may not see costs, an ETag."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json
from starlette.responses import Response

from api.identity.policy import COST_MEMBERS
from api.refusals import Fault, Invalid
from api.services.paging import Page

JSON = "application/json"


def write_json(value: Any, *, sees_cost: bool, fields: tuple[str, ...] | None = None) -> bytes:
    """The bytes of an answer. `fields` limits an object, or the items of a page, to these members."""
    if isinstance(value, Page):
        items = [_pick(item, fields) for item in value.items]
        value = {**value.about, "items": items, "next_cursor": value.next_cursor}
    elif fields is not None:
        value = _pick(value, fields)
    return to_json(_sparse(value, sees_cost))


def etag_of(content: bytes) -> str:
    """The strong validator of these bytes."""
    return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def answer(content: bytes, *, status: int = 200, none_match: str | None = None, is_tagged: bool = True) -> Response:
    """The answer with its ETag; 304 without a body when the caller has these bytes already."""
    headers = {"Cache-Control": "private, no-cache"}
    if is_tagged:
        headers["ETag"] = tag = etag_of(content)
        if none_match is not None and (none_match.strip() == "*" or tag in _tags(none_match)):
            return Response(status_code=304, headers=headers)
    return Response(content, status, headers, media_type=JSON)


def matches(if_match: str, content: bytes) -> bool:
    """Whether an If-Match header names the present state."""
    return if_match.strip() == "*" or etag_of(content) in _tags(if_match)


def _tags(header: str) -> set[str]:
    return {part.strip().removeprefix("W/") for part in header.split(",")}


def _sparse(value: Any, sees_cost: bool) -> Any:
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, dict):
        return {
            name: _sparse(member, sees_cost)
            for name, member in value.items()
            if member is not None and (sees_cost or name not in COST_MEMBERS)
        }
    if isinstance(value, list | tuple):
        return [_sparse(member, sees_cost) for member in value]
    return value


def _pick(item: dict[str, Any], fields: tuple[str, ...] | None) -> dict[str, Any]:
    if fields is None:
        return item
    unknown = [name for name in fields if name not in item]
    if unknown:
        rule = f"has no member {unknown[0]!r}; there are: {', '.join(sorted(item))}"
        raise Invalid("unknown-field", f"The answer {rule}.", Fault("fields", rule))
    return {name: item[name] for name in fields}
