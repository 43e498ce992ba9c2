"""Where a request came from: the defence of cookies against other sites, and of `next` against leaving this one."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_same_origin(connection: HTTPConnection) -> bool:
    """Whether a write was started by a page of this origin (or by no page at all, as from a command line).

    Browsers send `Sec-Fetch-Site` and `Origin` by themselves and a page cannot forge them.
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host")


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
