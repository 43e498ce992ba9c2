"""The table of routes finds what the routers would find, and leaves to them what it does not hold."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Match

from api.routes.table import RouteTable


def build() -> tuple[FastAPI, RouteTable]:
    router = APIRouter(prefix="/orders")

    @router.get("")
    async def browse() -> str:
        return "browse"

    @router.get("/open")
    async def browse_open() -> str:
        return "open"

    @router.get("/{order_id}")
    async def show(order_id: int) -> str:
        return f"show {order_id}"

    @router.post("/{order_id}/confirm")
    async def confirm(order_id: int) -> str:
        return f"confirm {order_id}"

    @router.get("/{order_id}/files/{name:path}")
    async def read_file(order_id: int, name: str) -> str:
        return f"{order_id} {name}"

    app, table = FastAPI(), RouteTable()
    app.router.routes.insert(0, table)
    app.include_router(router, prefix="/api/v1")
    table.add(router, "/api/v1")
    return app, table


def test_each_route_is_found_with_its_parameters() -> None:
    client = TestClient(build()[0])
    assert client.get("/api/v1/orders").json() == "browse"
    assert client.get("/api/v1/orders/open").json() == "open"
    assert client.get("/api/v1/orders/7").json() == "show 7"
    assert client.post("/api/v1/orders/7/confirm").json() == "confirm 7"
    assert client.get("/api/v1/orders/7/files/a/b.pdf").json() == "7 a/b.pdf"


def test_what_it_does_not_hold_is_answered_as_without_it() -> None:
    client = TestClient(build()[0])
    assert client.delete("/api/v1/orders/7").status_code == 405
    assert client.get("/api/v1/vendors").status_code == 404
    assert client.get("/api/v1/orders/seven").status_code == 422
    assert client.get("/orders/7").status_code == 404


def test_the_route_is_known_by_its_whole_pattern_and_the_description_names_it_once() -> None:
    app, table = build()
    scope = {"type": "http", "path": "/api/v1/orders/7/confirm", "method": "POST", "headers": []}
    match, child = table.matches(scope)
    assert match is Match.FULL
    assert child["route"].path == "/api/v1/orders/{order_id}/confirm"
    assert list(app.openapi()["paths"]) == [
        "/api/v1/orders",
        "/api/v1/orders/open",
        "/api/v1/orders/{order_id}",
        "/api/v1/orders/{order_id}/confirm",
        "/api/v1/orders/{order_id}/files/{name}",
    ]
