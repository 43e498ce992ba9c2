"""Access tokens: short-lived JWTs that name a session. Signing and verifying only; the session decides what they open.

A token that was verified once is remembered by its hash until it expires, so that a busy client costs one signature
check and not thousands.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any

import jwt

from api.identity.keys import KeyRing

ISSUER = "ims"
AUDIENCE = "ims-api"
CLAIMS = ["iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti"]
LEEWAY_SECONDS = 5  # between the clocks of two machines
LONGEST = 2048
MOST = 20_000


class RefusedToken(Exception):
    """The token opens nothing; the reason is for the audit trail, not for whoever sent it."""


@dataclass(frozen=True)
class Claims:
    """What a verified token says: its user, its session, and when it ends (seconds since 1970)."""

    user_id: int
    session_id: int
    expires: float


class AccessTokens:
    """Makes and verifies access tokens with one ring of keys."""

    def __init__(self, ring: KeyRing, minutes: int) -> None:
        self._ring, self.seconds = ring, minutes * 60
        self._verified: dict[bytes, Claims] = {}

    def issue(self, user_id: int, session_id: int) -> str:
        """A token of that session, valid from now for `seconds`."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": session_id,
            "iat": now,
            "nbf": now,
            "exp": now + self.seconds,
            "jti": secrets.token_hex(16),
        }
        return jwt.encode(claims, self._ring.signing, self._ring.algorithm, headers={"kid": self._ring.kid})

    def verify(self, token: str) -> Claims:
        """What the token says. Raises RefusedToken."""
        digest = hashlib.sha256(token.encode(errors="surrogateescape")).digest()
        known = self._verified.get(digest)
        if known is None:
            known = self._verify(token)
            if len(self._verified) >= MOST:
                del self._verified[next(iter(self._verified))]
            self._verified[digest] = known
        elif known.expires <= time.time():
            del self._verified[digest]
            raise RefusedToken("expired")
        return known

    def _verify(self, token: str) -> Claims:
        if len(token) > LONGEST:
            raise RefusedToken("too long")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != self._ring.algorithm:
                raise RefusedToken("another algorithm")
            key = self._ring.verifying.get(str(header.get("kid")))
            if key is None:
                raise RefusedToken("unknown key")
            said = jwt.decode(
                token,
                key,
                algorithms=[self._ring.algorithm],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY_SECONDS,
                options={"require": CLAIMS, "strict_aud": True},
            )
            return _claims(said)
        except jwt.ExpiredSignatureError:
            raise RefusedToken("expired") from None
        except jwt.InvalidTokenError as error:
            raise RefusedToken(type(error).__name__) from None
        except (ValueError, TypeError):
            raise RefusedToken("malformed") from None


def _claims(said: dict[str, Any]) -> Claims:
    session_id = said["sid"]
    if isinstance(session_id, bool) or not isinstance(session_id, int) or not 0 < session_id < 2**63:
        raise RefusedToken("malformed session")
    return Claims(int(said["sub"]), session_id, float(said["exp"]))
