"""Password hashing with argon2id. Knows neither users nor HTTP."""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without the letters and digits people mistake for each other
LONGEST = 1024


def generate_password() -> str:
    """A random password that can be typed: four groups of five, 99 bits (31 letters, 20 places)."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(4))


def hash_password(password: str) -> str:
    """The argon2id hash to store."""
    return _hasher().hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed.

    Without a hash (an unknown account) the same work is done and the answer is False, so that the time an answer
    takes does not tell which accounts exist.
    """
    from argon2.exceptions import InvalidHashError, VerifyMismatchError

    if len(password) > LONGEST:
        password = password[:LONGEST]
    try:
        is_match = _hasher().verify(password_hash or _hash_of_nobody(), password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return is_match and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether a hash was made with other parameters than today's: it is made anew when its password is at hand."""
    return _hasher().check_needs_rehash(password_hash)


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    return hash_password(secrets.token_urlsafe())
