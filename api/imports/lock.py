"""One import at a time: an advisory lock of the database, and the name of who holds it while another waits."""

from __future__ import annotations

from api.imports.loading import Connection, Progress

NAME = "ims import"


def take_lock(connection: Connection, progress: Progress) -> None:
    """Take the lock until the transaction ends; says through `progress` for whom it waits, if it must."""
    row = connection.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [NAME]).fetchone()
    if row is not None and row[0]:
        return
    holder = connection.execute(
        """SELECT a.application_name, a.pid, to_char(a.xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS')
        FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND l.objid::bigint = hashtext(%s)::bigint & 4294967295""",
        [NAME],
    ).fetchone()
    who = "another import" if holder is None else f"{holder[0]} (server process {holder[1]}, since {holder[2]} UTC)"
    progress(f"waiting for {who} to end", 0, None)
    connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [NAME])
