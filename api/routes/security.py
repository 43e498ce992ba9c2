"""The security headers of every answer; an answer that brings its own keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope

Headers = list[tuple[bytes, bytes]]
# what the dashboards need and no more: no script, font, image or request from anywhere else
PAGES = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'; "
    b"base-uri 'none'; form-action 'self'; object-src 'none'"
)
DATA = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"  # nothing to load or run
ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
DATA_PATHS = ("/api/", "/health", "/ready", "/metrics")


def guard(headers: Headers, scope: Scope, hsts: str) -> Headers:
    """The headers of an answer with those it lacks."""
    present = {name.lower() for name, _ in headers}
    is_data = scope["path"].startswith(DATA_PATHS)
    wanted = [*ALWAYS, (b"content-security-policy", DATA if is_data else PAGES)]
    if is_data:
        wanted.append((b"cache-control", b"no-store"))
    if hsts == "always" or (hsts == "auto" and scope.get("scheme") == "https"):
        wanted.append(HSTS)
    return [*headers, *(each for each in wanted if each[0] not in present)]
