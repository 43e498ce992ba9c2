"""Work done for a person who is named and not signed in: an operator on the command line says for whom.

The person's own permissions and stores hold, as they do for a request, and the audit trail names them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from api.identity.principal import Origin, SignedIn, reach_of
from api.refusals import NotPermitted
from api.services import transactions
from api.services.action import Action
from api.services.connections import create_pool

Result = TypeVar("Result")
FIND = """
SELECT u.user_id, u.username, now() + interval '1 minute' AS expires_at,
    ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.user_id) AS roles,
    ARRAY(SELECT permission FROM user_grants g WHERE g.user_id = u.user_id) AS permissions,
    ARRAY(SELECT store_id FROM user_stores o WHERE o.user_id = u.user_id) AS store_ids,
    ARRAY(SELECT store_code FROM user_stores o JOIN stores USING (store_id) WHERE o.user_id = u.user_id) AS store_codes
FROM users u WHERE u.is_active AND u.username = %s
"""


async def act_as(
    url: str, username: str, permission: str, command: str, work: Callable[[Action], Awaitable[Result]]
) -> Result:
    """Run a writing service for a user, in a transaction of its own. Raises NotPermitted when they may not do it.

    `command` is what the audit trail shows as the agent.
    """
    pool = create_pool(url)
    async with pool:
        async with pool.connection() as connection:
            user = await find_active(connection, username)
        reach = None if user is None else reach_of(user, permission)
        if user is None or reach is None:
            raise NotPermitted("not-permitted", f"There is no active user {username} who may do this ({permission}).")

        def begin(connection: psycopg.AsyncConnection[Any]) -> Action:
            return Action(connection, user, Origin(command, None, command), permission, reach)

        return await transactions.write(pool, begin, work)


def find_user(connection: psycopg.Connection[Any], username: str) -> SignedIn | None:
    """The active user of that name with what they may do, for a command that reads in their name."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return _signed_in(cursor.execute(FIND, (username,)).fetchone())


async def find_active(connection: psycopg.AsyncConnection[Any], username: str) -> SignedIn | None:
    """`find_user` for a process that serves."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        return _signed_in(await (await cursor.execute(FIND, (username,))).fetchone())


def _signed_in(row: dict[str, Any] | None) -> SignedIn | None:
    if row is None:
        return None
    return SignedIn(
        user_id=row["user_id"],
        username=row["username"],
        roles=frozenset(row["roles"]),
        session_id=0,
        expires_at=row["expires_at"],
        store_ids=frozenset(row["store_ids"]),
        store_codes=frozenset(row["store_codes"]),
        permissions=frozenset(row["permissions"]),
    )
