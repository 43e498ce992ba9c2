"""How often something may be tried: 5 times a minute per account and per address, counted for all processes together.

The window moves with each attempt (library `limits`); where it is kept is a setting, PostgreSQL or Redis.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time
from typing import Any

from limits import RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter

from api.identity.limit_storage import PostgresStorage
from api.services.connections import Pool
from ims.failure import WrongInput

ATTEMPTS = 5
SCHEMES = ("redis://", "rediss://", "redis+unix://")


class AttemptLimit:
    """One kind of attempt, limited per account and per address. Raises StorageError or DATABASE_ERRORS when away."""

    def __init__(self, storage: Storage, what: str) -> None:
        self._limiter = MovingWindowRateLimiter(storage)
        self._item = RateLimitItemPerMinute(ATTEMPTS, namespace=what)

    async def wait_seconds(self, account: str, address: str | None) -> int:
        """0 and the attempt counted when it is allowed; else the seconds until the next one is."""
        for key in (_of_account(account), _of_address(address)):
            if not await self._limiter.hit(self._item, *key):
                stats = await self._limiter.get_window_stats(self._item, *key)
                return max(1, math.ceil(stats.reset_time - time.time()))
        return 0

    async def forgive(self, account: str) -> None:
        """Forget the attempts on an account whose owner got in; those of the address stay."""
        await self._limiter.clear(self._item, *_of_account(account))


def create_storage(setting: str, pool: Pool) -> Storage:
    """Where attempts are counted. Raises WrongInput for a setting that names no storage."""
    if setting == "postgresql":
        return PostgresStorage(pool)
    if setting.startswith(SCHEMES):
        from limits.aio.storage import RedisStorage

        options: dict[str, Any] = {"socket_timeout": 2, "socket_connect_timeout": 2}
        return RedisStorage(
            f"async+{setting}", wrap_exceptions=True, implementation="redispy", key_prefix="ims", **options
        )
    raise WrongInput("IMS_LIMITS_STORAGE must be postgresql or an address like redis://host:6379/0.")


def _of_account(account: str) -> tuple[str, str]:
    # hashed: people type passwords into the wrong field, and keys must stay short
    return "account", hashlib.sha256(account.encode(errors="replace")).hexdigest()[:32]


def _of_address(address: str | None) -> tuple[str, str]:
    """One household of IPv6 addresses (a /64) is one address; who controls it controls 2^64 of them."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "address", (address or "unknown")[:64]
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return "address", str(ipaddress.ip_network((parsed, 64), strict=False))
    return "address", str(getattr(parsed, "ipv4_mapped", None) or parsed)
