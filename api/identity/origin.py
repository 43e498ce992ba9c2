"""Where a request came from: the defence of cookies against other sites, of `next` against leaving this one, and what
the audit trail notes."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from api.identity.principal import Origin

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST = 300


def is_same_origin(connection: HTTPConnection, *, proven: bool = True) -> bool:
    """Whether a write was started by a page of this origin.

    Browsers send `Sec-Fetch-Site` and `Origin` by themselves and a page cannot forge them. Without both, a write that
    must be `proven` is refused; one that carries no cookie (a first sign-in) may come from no page at all.
    """
    site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    if site is None and origin is None:
        return not proven
    if site is not None and site != "same-origin":
        return False
    if origin is None:
        return True
    parts = urlsplit(origin)
    is_secure = connection.url.scheme in {"https", "wss"}
    return parts.netloc == connection.headers.get("host") and (parts.scheme == "https" or not is_secure)


def origin_of(connection: HTTPConnection) -> Origin:
    """What the audit trail notes of a request; forwarded addresses are the server's to judge, not ours."""
    state = connection.scope.setdefault("state", {})
    return Origin(
        request_id=state.get("request_id") or secrets.token_hex(8),
        address=connection.client.host if connection.client else None,
        user_agent=(connection.headers.get("user-agent") or "")[:LONGEST].replace("\x00", "") or None,
    )


def local_path(target: str | None) -> str:
    """`target` when it is a path of this site, else `/`.

    `/reorder?store=S01` stays; `//evil.example`, `/\\evil.example`, `https://…` and control characters become `/`.
    """
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return "/"
    if any(ord(character) < 32 for character in target) or "\\" in target:
        return "/"
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else "/"
