"""The dashboards' way to write: one request to the API in the viewer's name, with the viewer's session.

The API judges it like any other; where it comes from is the installation's to say, never the viewer's. What a person
is told of a refusal is in `dashboards.problems`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import httpx
import streamlit as st

from api.identity.sessions import UNATTENDED, cookie_name
from api.routes.tls import trusted
from dashboards.attendance import is_attended
from dashboards.installation import session_token
from ims.settings import get_settings

logger = logging.getLogger("ims.dashboards")
CONNECT_SECONDS = 3.0
MORE_SECONDS = 2.0  # than the API gives itself: its own refusal says more than our impatience
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.LocalProtocolError)


@dataclass(frozen=True)
class Answer:
    """What the API gave: the body's members, and the record's ETag where it has one."""

    body: dict[str, Any]
    tag: str | None = None


@dataclass
class Declined(Exception):
    """The API said no, or nothing. `status` 0: no answer; `may_be_done`: whether it was done is not known."""

    status: int
    code: str
    detail: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)
    may_be_done: bool = False

    def fault(self, name: str) -> str | None:
        """What is wrong with a member of the body: `quantity` for a fault at `body.quantity`, too."""
        return next((rule for path, rule in self.faults.items() if path.rpartition(".")[2] == name), None)


def new_key() -> str:
    """A name for one action, to be kept until it is answered: under it the API does nothing twice."""
    return secrets.token_urlsafe(16)


def tell_use() -> None:
    """Let the API know that the viewer did something: a page's connection tells nobody what is clicked on it."""
    with suppress(Declined):
        ask_api("GET", "/account?fields=username")


def ask_api(
    method: str, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None, tag: str | None = None
) -> Answer:
    """One request to `/api/v1` + path in the viewer's name. Raises Declined.

    `key` is its Idempotency-Key: only with one is a write that got no answer sent a second time. `tag` is the ETag that
    the record must still have.
    """
    address = st.secrets.get("api", {}).get("address")
    if not address:
        raise Declined(0, "no-address")
    headers = _headers(address) | ({"Idempotency-Key": key} if key else {}) | ({"If-Match": tag} if tag else {})
    request = _client(address).build_request(method, f"/api/v1{path}", json=body, headers=headers)
    for attempt in (1, 2):
        try:
            return _read(_client(address).send(request))
        except httpx.TransportError as error:
            was_sent = not isinstance(error, NEVER_SENT)
            logger.warning("the API did not answer", extra={"path": path, "error": repr(error)})
            if attempt == 2 or key is None or not was_sent:
                raise Declined(0, "no-answer", may_be_done=was_sent and method != "GET") from None
    raise AssertionError("the second attempt returns or raises")


def _headers(address: str) -> dict[str, str]:
    """The session under the name that the API reads at this address, and what its audit trail notes of the viewer."""
    name, token = cookie_name(address.startswith("https:")), session_token() or ""
    agent = st.context.headers.get("User-Agent") or ""
    headers = {
        "Cookie": f"{name}={token}",
        "Sec-Fetch-Site": "same-origin",  # the gate let the page in by its origin already
        "User-Agent": agent.encode("ascii", "ignore").decode().strip() or "ims dashboards",
    }
    if not is_attended():
        headers[UNATTENDED] = "1"
    if st.context.ip_address:
        headers["X-Forwarded-For"] = st.context.ip_address
    names = get_settings().allowed_hosts.split()
    if names and urlsplit(address).hostname not in names:
        headers["Host"] = names[0].replace("*", "ims", 1)
    return headers


def _read(response: httpx.Response) -> Answer:
    try:
        body = response.json() if response.content else {}
    except ValueError:
        body = None
    if response.is_success and isinstance(body, dict):
        return Answer(body, response.headers.get("ETag"))
    said = body if isinstance(body, dict) else {}
    code = str(said.pop("type", "")).rpartition(":")[2] or f"http-{response.status_code}"
    logger.info("the API declined", extra={"status": response.status_code, "code": code})
    faults = {str(fault.get("where", "")): str(fault.get("rule", "")) for fault in said.pop("faults", [])}
    # an answer of 503 may have come after the work was done
    may_be_done = response.status_code >= 500 and response.request.method != "GET"
    raise Declined(response.status_code, code, str(said.pop("detail", "")), faults, said, may_be_done)


@st.cache_resource(show_spinner=False)
def _client(address: str) -> httpx.Client:
    """One for all viewers of this process, so it keeps no cookie of any of them, and asks no proxy of the machine."""
    seconds = get_settings().request_timeout_seconds + MORE_SECONDS
    return httpx.Client(
        base_url=address,
        timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        trust_env=False,
        verify=trusted(get_settings()),
    )
