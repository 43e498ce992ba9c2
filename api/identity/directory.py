"""Who a session stands for, remembered in this process and forgotten the moment the database says it changed.

Triggers notify the channel `ims_identity`; one connection listens. While it does not, nothing is remembered and
every request reads. What is remembered is also read anew once a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from api.identity.principal import SignedIn
from api.identity.sessions import find_session
from api.identity.upkeep import forget_ended, mark_seen
from api.services.connections import DATABASE_ERRORS, Pool
from api.services.observations import BUSINESS

logger = logging.getLogger("ims.web")
CHANNEL = "ims_identity"
MOST = 20_000
OLDEST_SECONDS = 60.0
TICK_SECONDS = 5.0
UPKEEP_SECONDS = 3600.0
PATIENCE_SECONDS = 3.0


class Directory:
    """Sessions by token hash (a browser's) or session id (a program's). Belongs to one event loop."""

    def __init__(self, pool: Pool, url: str) -> None:
        self._pool, self._url = pool, url
        self._known: dict[str | int, tuple[SignedIn, float]] = {}
        self._drops = 0
        self._seen: set[int] = set()
        self.is_listening = False

    async def find(self, key: str | int, *, is_use: bool = True) -> SignedIn | None:
        """Who the session stands for; None when it opens nothing. Raises DATABASE_ERRORS.

        `is_use`: a person or program did something, which keeps a session from ending for want of use.
        """
        known = self._known.get(key)
        if known is not None:
            user, read_at = known
            if time.monotonic() - read_at < OLDEST_SECONDS and user.expires_at > dt.datetime.now(dt.UTC):
                self._note_use(user, is_use)
                BUSINESS.resolve("memory")
                return user
            self._known.pop(key, None)
        drops = self._drops
        BUSINESS.resolve("database")
        async with self._pool.connection() as connection:
            found = await find_session(connection, key)
        if found is not None:
            self._note_use(found, is_use)
        # a change that was told while this was read may not be in it
        if found is not None and self.is_listening and drops == self._drops:
            if len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[key] = (found, time.monotonic())
        return found

    def _note_use(self, user: SignedIn, is_use: bool) -> None:
        if is_use and len(self._seen) < MOST:
            self._seen.add(user.session_id)

    def drop(self, *, session_id: int | None = None, user_id: int | None = None) -> None:
        """Forget a session, all of a user, or (without either) everything."""
        self._drops += 1
        self._known = {
            key: entry
            for key, entry in self._known.items()
            if (session_id is not None and entry[0].session_id != session_id)
            or (user_id is not None and entry[0].user_id != user_id)
        }

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen, and listen again after each failure, until the context ends."""
        task = asyncio.create_task(self._listen_always())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _listen_always(self) -> None:
        while True:
            try:
                await self._listen()
            except (*DATABASE_ERRORS, TimeoutError, psycopg.Error) as error:
                logger.warning("sessions are not remembered: PostgreSQL does not tell changes: %s", error)
            finally:
                self.is_listening = False
                self.drop()
            await asyncio.sleep(1)

    async def _listen(self) -> None:
        options: dict[str, Any] = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, connect_timeout=3, **options)
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self.drop()
            self.is_listening = True
            kept_at = 0.0
            while True:
                async for notice in connection.notifies(timeout=TICK_SECONDS):
                    self._hear(notice.payload)
                # proves that the connection still is one, too: a dead one would be silent for ever
                async with asyncio.timeout(PATIENCE_SECONDS):
                    seen, self._seen = sorted(self._seen), set()
                    await mark_seen(connection, seen)
                if time.monotonic() - kept_at > UPKEEP_SECONDS:
                    await forget_ended(connection)
                    kept_at = time.monotonic()

    def _hear(self, payload: str) -> None:
        kind, _, number = payload.partition(":")
        if kind == "session":
            self.drop(session_id=int(number))
        elif kind == "user":
            self.drop(user_id=int(number))
        else:
            self.drop()
