"""Webhooks: one signed POST to an address that was judged before it is called.

Whoever may name an address could otherwise reach into the network IMS runs in: only https, or hosts the settings
allow; no private address unless allowed; the address that was judged is the one that is called; no redirect.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import socket
import time
from collections.abc import Collection
from typing import Any

import httpx

from api.services.outbox import Message, find_topic

SECONDS = httpx.Timeout(10.0)
LONGEST_ANSWER = 500
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address in disguise


class Refused(Exception):
    """The address may not be called, or did not accept."""


async def call_hook(secret: str, allowed: Collection[str], message: Message) -> dict[str, Any]:
    """POST the message as JSON; the receipt is status and beginning of the answer. Raises Refused, httpx.HTTPError.

    `X-IMS-Signature: t=<unix seconds>,v1=<hex>` is the HMAC-SHA256 of `<t>.<body>`;
    `Idempotency-Key` is the message's id, the same at each attempt.
    """
    secrets = find_topic(message.topic).secrets
    content = {
        "message_id": str(message.message_id),
        "topic": message.topic,
        "created_at": message.created_at.isoformat(),
        "payload": {name: value for name, value in message.payload.items() if name not in secrets},
    }
    body = json.dumps(content, ensure_ascii=False).encode()
    moment = int(time.time())
    url = httpx.URL(message.recipient)
    address = await judge(url, allowed)
    headers = {
        "Host": url.netloc.decode(),
        "Content-Type": "application/json",
        "User-Agent": "IMS",
        "Idempotency-Key": str(message.message_id),
        "X-IMS-Signature": f"t={moment},v1={sign(secret, moment, body)}",
    }
    # the environment's proxies are not asked: they would look the name up again
    async with httpx.AsyncClient(timeout=SECONDS, follow_redirects=False, trust_env=False) as client:
        target = url.copy_with(host=str(address))
        named = {"sni_hostname": url.host}
        async with client.stream("POST", target, content=body, headers=headers, extensions=named) as answer:
            told = await _beginning(answer)
    if not answer.is_success:
        raise Refused(f"{url.host} answered {answer.status_code}: {told}")
    return {"status": answer.status_code, "answer": told, "address": str(address)}


def sign(secret: str, moment: int, body: bytes) -> str:
    """The signature of a body sent at a moment (Unix seconds), as the receiver computes it."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


async def judge(url: httpx.URL, allowed: Collection[str]) -> Address:
    """The address to call for this URL. Raises Refused when a webhook may not go there."""
    is_allowed = url.host in allowed or f"{url.host}:{url.port}" in allowed
    if url.userinfo:
        raise Refused("a webhook address must not hold a name or password")
    if url.scheme != "https" and not (url.scheme == "http" and is_allowed):
        raise Refused(f"webhooks go to https addresses; IMS_WEBHOOK_HOSTS may allow {url.host}")
    port = url.port or {"https": 443, "http": 80}[url.scheme]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Refused(f"{url.host} has no address: {error.strerror or error}") from None
    addresses = [ipaddress.ip_address(str(each[4][0]).split("%")[0]) for each in found]
    if not is_allowed and not all(is_public(each) for each in addresses):
        raise Refused(f"{url.host} is inside a private network; IMS_WEBHOOK_HOSTS may allow it")
    return addresses[0]


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet, also behind the ways IPv6 has to write an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        if address in TRANSLATED or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


async def _beginning(answer: httpx.Response) -> str:
    told = b""
    async for part in answer.aiter_raw():
        told += part
        if len(told) >= LONGEST_ANSWER:
            break
    return told[:LONGEST_ANSWER].decode("utf-8", "replace").replace("\x00", "�")
