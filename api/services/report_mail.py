"""Figures by mail as they leave: only while their recipient may see them, with their files, and with a line of the log.

A mail may wait for hours while its server is away; who lost a store, a role or the account meanwhile is not sent what
was made for who they were. It is wanted anew instead, and made of what they may see then.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from api.services.acting import find_active
from api.services.connections import Pool
from api.services.outbox import File, Message
from api.services.report_reach import describe_reach, scope_of_pack

EVERYTHING = b"SELECT set_config('ims.store_ids', '*', true)"  # the log of whoever it may be
RECIPIENT = """
    SELECT u.username, u.email, d.reach, CASE WHEN r.store_ids IS NOT NULL THEN ARRAY(
        SELECT store_code FROM stores AS s WHERE s.store_id = ANY (r.store_ids)) END AS chosen
      FROM report_deliveries AS d JOIN report_schedules AS r USING (report_schedule_id) JOIN users AS u USING (user_id)
     WHERE d.message_id = %(message)s
"""
FILES = "SELECT name, media_type, content FROM outbox_attachments WHERE message_id = %(message)s ORDER BY 1"
FORGET = "DELETE FROM outbox_attachments WHERE message_id = %(message)s"
WITHDRAW = """
    UPDATE outbox_messages SET state = 'dead', last_error = %(why)s, payload = '{}' WHERE message_id = %(message)s
"""
AGAIN = """
    UPDATE report_deliveries SET state = 'wanted', message_id = NULL, error = %(why)s WHERE message_id = %(message)s
"""
NOTE = """
    UPDATE report_deliveries AS d SET receipt = m.receipt, error = m.last_error, ended_at = m.delivered_at,
        state = CASE m.state WHEN 'delivered' THEN 'delivered' WHEN 'dead' THEN 'failed' ELSE 'queued' END
      FROM outbox_messages AS m WHERE m.message_id = d.message_id AND d.message_id = %(message)s
    RETURNING d.state
"""


class Withdrawn(Exception):
    """The mail must not leave; the message says why."""


async def load_files(pool: Pool, message: Message) -> list[File]:
    """The files of a mail. Raises Withdrawn when its recipient may not see any more what it was made of."""
    key = {"message": message.message_id}
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(EVERYTHING)
        async with connection.cursor(row_factory=dict_row) as cursor:
            row = await (await cursor.execute(RECIPIENT, key)).fetchone()
        if row is None:
            raise Withdrawn("another mail has taken its place")
        user = await find_active(connection, row["username"])
        scope = None if user is None else scope_of_pack(user, row["chosen"])
        if user is None or scope is None:
            raise Withdrawn("the recipient may not be sent figures any more")
        if describe_reach(user, scope, row["email"] or "") != row["reach"]:
            raise Withdrawn("what the recipient may see, or their address, has changed")
        async with connection.cursor(row_factory=class_row(File)) as files:
            return await (await files.execute(FILES, key)).fetchall()


async def withdraw(pool: Pool, message: Message, why: str) -> None:
    """Give the mail up, and want a pack of what may be seen now."""
    values = {"message": message.message_id, "why": why}
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(EVERYTHING)
        for statement in (WITHDRAW, FORGET, AGAIN):
            await connection.execute(statement, values)


async def note_report(connection: psycopg.AsyncConnection[Any], message: Message) -> None:
    """What became of the mail, in the log; a file that has arrived is kept no longer. In the caller's transaction."""
    key = {"message": message.message_id}
    await connection.execute(EVERYTHING)
    row = await (await connection.execute(NOTE, key)).fetchone()
    if row is not None and row[0] == "delivered":
        await connection.execute(FORGET, key)
