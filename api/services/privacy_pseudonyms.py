"""Pseudonyms: what stands for a person where the person has no business being, the same one each time.

HMAC-SHA256 with a key of the installation that never leaves it: without the key nobody can tell who it is by trying
codes, with another key everybody has another pseudonym. The extract computes the same in DuckDB.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from pathlib import Path

from pydantic import SecretStr

from api.identity.keys import load_pseudonym_key
from ims.settings import get_settings

BLOCK = 64
LENGTH = 32  # hexadecimal digits: 128 bits, so that no two of a billion meet


def pseudonym(column: str, value: str, key: bytes | None = None) -> str:
    """The pseudonym of a value: equal in every table for columns of that name.

    >>> pseudonym("customer_code", "C-1", b"0" * 32)
    '3e307c9f2736ee8ab3c0bbaa0e1dd7b0'
    """
    if key is None:
        settings = get_settings()
        key = _key(settings.home, settings.pseudonym_key)
    return _digest(key, f"{column}:{value}")


def name_key(key: bytes) -> str:
    """The name of a key: what was computed under another name was computed with another key."""
    return _digest(key, "name of the key")[:16]


def pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and the outer block of HMAC-SHA256 with this key, for where only the plain hash is at hand."""
    block = (key if len(key) <= BLOCK else hashlib.sha256(key).digest()).ljust(BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def _digest(key: bytes, message: str) -> str:
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()[:LENGTH]


@lru_cache(maxsize=4)
def _key(_home: Path, _given: SecretStr | None) -> bytes:
    return load_pseudonym_key(get_settings())
