"""The API's description of itself (OpenAPI): what FastAPI derives from the routes, completed with what holds for all.

Every error is a problem, every operation says how to sign in and which permission it needs, reads may be partial.
"""

from __future__ import annotations

from copy import deepcopy
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.surface import permit_of, routes_of

PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "An error as RFC 9457 describes it. `type` is stable, `detail` is for people.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:ims:problem:[a-z0-9-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "faults": {
            "type": "array",
            "description": "What is wrong where, by the path of the member.",
            "items": {
                "type": "object",
                "required": ["where", "rule"],
                "properties": {"where": {"type": "string"}, "rule": {"type": "string"}},
            },
        },
    },
}
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token of `POST /api/v1/tokens`."},
    "session": {"type": "apiKey", "in": "cookie", "name": "ims_session", "description": "A browser's session."},
}
OPEN = frozenset({"/health", "/ready", "/metrics", "/api/v1/tokens", "/api/v1/tokens/refresh"})
OPEN |= {"/api/v1/password-resets", "/api/v1/password-resets/confirm"}
ANYWHERE = (400, 405, 406, 408, 413, 414, 415, 429, 431, 500, 503)
SIGNED_IN = (401, 403)
ABOUT_A_RECORD = (404, 409, 412, 422, 428)
PROBES = frozenset({"/health", "/ready", "/metrics"})
DECIMAL = r"^[+-]?[0-9]{1,15}([.][0-9]{1,6})?$"


def describe(app: FastAPI) -> None:
    """Let the application describe itself completely; computed at the first question and kept."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            app.openapi_schema = _complete(found, app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def name_operation(route: APIRoute) -> str:
    """What a generated client calls the operation: `stores.open_store`."""
    return f"{route.endpoint.__module__.rpartition('.')[2]}.{route.name}"


def _complete(found: dict[str, Any], app: FastAPI) -> dict[str, Any]:
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = PROBLEM
    components["securitySchemes"] = SECURITY
    _say_decimals(found)
    permits = {(method.lower(), route.path): permit_of(route) for route in routes_of(app) for method in route.methods}
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            is_open = path in OPEN
            operation["security"] = [] if is_open else [{name: []} for name in SECURITY]
            permit = permits.get((method, path))
            if permit is not None:
                operation["x-permission"] = permit.permission
            _add_problems(operation, path not in PROBES)
            if any(each["name"] == "fields" for each in operation.get("parameters", ())):
                _allow_parts(operation, schemas)
    return found


def _add_problems(operation: dict[str, Any], is_about_people: bool) -> None:
    answer = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"].pop("422", None)
    for status in (*ANYWHERE, *(SIGNED_IN if is_about_people else ()), *ABOUT_A_RECORD):
        operation["responses"].setdefault(str(status), {"description": HTTPStatus(status).phrase})
    for status, response in operation["responses"].items():
        if status >= "400":
            response.setdefault("content", deepcopy(answer))


def _say_decimals(described: Any) -> None:
    """An amount may be text or a number; of the text, pydantic does not say that it has to be one."""
    if isinstance(described, list):
        for inner in described:
            _say_decimals(inner)
    elif isinstance(described, dict):
        choices = described.get("anyOf", ())
        if any(choice.get("type") == "number" for choice in choices):
            for choice in choices:
                if choice == {"type": "string"}:
                    choice["pattern"] = DECIMAL
        for inner in described.values():
            _say_decimals(inner)


def _allow_parts(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """With `fields` an answer has only some members: the same shape, nothing of it required."""
    operation["responses"].setdefault("304", {"description": "You have the present state already."})
    for status, response in operation["responses"].items():
        schema = response.get("content", {}).get("application/json", {}).get("schema")
        if status.startswith("2") and schema and "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            response["content"]["application/json"]["schema"] = {
                "anyOf": [schema, {"$ref": f"#/components/schemas/{_part(name, schemas)}"}]
            }


def _part(name: str, schemas: dict[str, Any]) -> str:
    part = f"{name}Part"
    if part not in schemas:
        schemas[part] = shape = deepcopy(schemas[name])
        items = shape.get("properties", {}).get("items", {}).get("items", {}).get("$ref")
        if name.endswith("Page") and items:
            shape["properties"]["items"]["items"]["$ref"] = (
                f"#/components/schemas/{_part(items.rpartition('/')[2], schemas)}"
            )
        else:
            shape.pop("required", None)
        shape["title"] = part
    return part
