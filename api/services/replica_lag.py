"""How far the standby that the extract reads is behind, for `/metrics`."""

from __future__ import annotations

import psycopg

PATIENCE_SECONDS = 1
# a standby that has replayed all that it received is not behind, however long nobody has written
LAG = """
SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0) END::float
"""


async def read_lag(url: str) -> float | None:
    """Seconds; None where it does not answer."""
    try:
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=PATIENCE_SECONDS) as connection:
            row = await (await connection.execute(LAG)).fetchone()
    except psycopg.Error:
        return None
    return None if row is None else float(row[0])
