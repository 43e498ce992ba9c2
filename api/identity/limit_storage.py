"""A storage of the `limits` library in PostgreSQL: one row of `rate_limits` per key, one statement per attempt.

The row's lock makes an attempt atomic across processes; a row holds at most as many times as the limit allows.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from limits.aio.storage import MovingWindowSupport, Storage

from api.services.connections import Pool

# 1 row when the attempt fits into the window, else none
ACQUIRE = """
INSERT INTO rate_limits AS kept (limit_key, hits, expires_at)
VALUES (%(key)s, array_fill(clock_timestamp(), ARRAY[%(amount)s::int]),
        clock_timestamp() + make_interval(secs => %(expiry)s))
ON CONFLICT (limit_key) DO UPDATE SET
    hits = ARRAY(SELECT hit FROM unnest(kept.hits) AS hit
                 WHERE hit > clock_timestamp() - make_interval(secs => %(expiry)s)) || excluded.hits,
    expires_at = excluded.expires_at
WHERE (SELECT count(*) FROM unnest(kept.hits) AS hit
       WHERE hit > clock_timestamp() - make_interval(secs => %(expiry)s)) + %(amount)s <= %(limit)s
RETURNING limit_key
"""
WINDOW = """
SELECT extract(epoch FROM min(hit))::float8, count(hit)
FROM rate_limits, unnest(hits) AS hit
WHERE limit_key = %(key)s AND hit > clock_timestamp() - make_interval(secs => %(expiry)s)
"""
COUNT = """
INSERT INTO rate_limits AS kept (limit_key, hits, expires_at)
VALUES (%(key)s, array_fill(clock_timestamp(), ARRAY[%(amount)s::int]),
        clock_timestamp() + make_interval(secs => %(expiry)s))
ON CONFLICT (limit_key) DO UPDATE SET
    hits = CASE WHEN kept.expires_at > clock_timestamp() THEN kept.hits ELSE '{}' END || excluded.hits,
    expires_at = CASE WHEN kept.expires_at > clock_timestamp() THEN kept.expires_at ELSE excluded.expires_at END
RETURNING cardinality(hits)
"""
GET = "SELECT cardinality(hits) FROM rate_limits WHERE limit_key = %(key)s AND expires_at > clock_timestamp()"
EXPIRY = "SELECT extract(epoch FROM expires_at)::float8 FROM rate_limits WHERE limit_key = %(key)s"


class PostgresStorage(Storage, MovingWindowSupport):
    """Moving windows and fixed-window counters on the web process's pool."""

    STORAGE_SCHEME = None  # made with a pool, never from an address

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the library may wrap; it does not here, callers know DATABASE_ERRORS."""
        return psycopg.Error

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count the attempt if the window has room for it."""
        if amount > limit:
            return False
        return await self._row(ACQUIRE, key=key, limit=limit, expiry=expiry, amount=amount) is not None

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest attempt within the window was (seconds since 1970), and how many there are."""
        row = await self._row(WINDOW, key=key, expiry=expiry)
        return (float(row[0]), int(row[1])) if row and row[1] else (time.time(), 0)

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter that starts anew `expiry` seconds after its first hit; its value."""
        row = await self._row(COUNT, key=key, expiry=expiry, amount=amount)
        assert row is not None
        return int(row[0])

    async def get(self, key: str) -> int:
        """A counter's value; 0 when there is none."""
        row = await self._row(GET, key=key)
        return int(row[0]) if row else 0

    async def get_expiry(self, key: str) -> float:
        """When a counter starts anew, in seconds since 1970."""
        row = await self._row(EXPIRY, key=key)
        return float(row[0]) if row else time.time()

    async def check(self) -> bool:
        """Whether the storage answers."""
        try:
            return await self._row("SELECT 1") is not None
        except psycopg.Error:
            return False

    async def reset(self) -> int | None:
        """Forget everything; how many keys there were."""
        async with self._pool.connection() as connection:
            return (await connection.execute("DELETE FROM rate_limits")).rowcount

    async def clear(self, key: str) -> None:
        """Forget one key."""
        async with self._pool.connection() as connection:
            await connection.execute("DELETE FROM rate_limits WHERE limit_key = %s", (key,))

    async def _row(self, statement: str, **values: Any) -> tuple[Any, ...] | None:
        async with self._pool.connection() as connection:
            row: tuple[Any, ...] | None = await (await connection.execute(statement, values)).fetchone()
            return row
