"""How many messages the outbox holds that were not delivered: for `/metrics`."""

from __future__ import annotations

from typing import Any

import psycopg

# the index of what is due serves the first; the dead are few, and people deal with them
PENDING = "SELECT count(*) FROM outbox_messages WHERE state = 'pending'"
DEAD = "SELECT count(*) FROM outbox_messages WHERE state = 'dead'"


async def read_outbox(connection: psycopg.AsyncConnection[Any]) -> tuple[int, int]:
    """(waiting, given up)."""
    pending = await (await connection.execute(PENDING)).fetchone()
    dead = await (await connection.execute(DEAD)).fetchone()
    return (pending[0] if pending else 0), (dead[0] if dead else 0)
