"""An action: who does something, with which permission, in which transaction. Every service function gets one.

Holds the queries' one way to the database, and what is written with the change itself: audit events and messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from api.identity.principal import Origin, Reach, SignedIn
from api.refusals import NotFound, NotPermitted, OutOfReach
from api.services.audit import Event

Row = dict[str, Any]
STORE_OF = "SELECT ims_store_of(%(table)s, %(key)s) AS store_ids"
OWNER_OF = "SELECT ims_owner_of(%(table)s, %(key)s) AS user_id"


@dataclass
class Action:
    """One request at work. Services read and write through it, and refuse by raising (`api.refusals`)."""

    connection: psycopg.AsyncConnection[Any]
    user: SignedIn
    origin: Origin
    permission: str
    reach: Reach
    events: list[Event] = field(default_factory=list)
    messages: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    async def rows(self, query: str, **values: Any) -> list[Row]:
        """All rows of a query, as mappings."""
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query.encode(), values)
            return await cursor.fetchall()

    async def row(self, query: str, **values: Any) -> Row | None:
        """The first row, or None."""
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query.encode(), values)
            return await cursor.fetchone()

    async def one(self, query: str, **values: Any) -> Row:
        """The one row that must be there."""
        found = await self.row(query, **values)
        if found is None:
            raise LookupError("a query that must give a row gave none")
        return found

    async def value(self, query: str, **values: Any) -> Any:
        """The first column of the first row; None without a row."""
        found = await self.row(query, **values)
        return None if found is None else next(iter(found.values()))

    async def execute(self, query: str, **values: Any) -> int:
        """Run a statement; how many rows it touched."""
        return (await self.connection.execute(query.encode(), values)).rowcount

    async def update(self, table: str, key: str, value: int, changes: Mapping[str, Any]) -> int:
        """Set the given columns of one row; how many rows were touched. Names never come from a request."""
        sets = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in changes)
        where = sql.SQL(" WHERE {} = {}").format(sql.Identifier(key), sql.Placeholder("row_key"))
        statement = sql.SQL("UPDATE {} SET ").format(sql.Identifier(table)) + sets + where
        return (await self.connection.execute(statement, {**changes, "row_key": value})).rowcount

    def can(self, permission: str) -> bool:
        """Whether the user holds another permission too."""
        return self.user.grants.allows(permission)

    def check_store(self, store_id: int | None) -> None:
        """Raises OutOfReach when the action may not touch that store."""
        if not self.reach.allows(store_id):
            raise OutOfReach("store-out-of-scope", "Your account does not cover that store.", store_id=store_id)

    def check_record(self, made_by: int | None) -> None:
        """Raises NotPermitted when the user may only touch their own records and this one is not theirs."""
        if self.reach.own_records and made_by != self.user.user_id:
            raise NotPermitted("not-own-record", "Your account covers only what you made yourself.")

    def check_other(self, requested_by: int | None) -> None:
        """Raises NotPermitted when the user would approve what they requested themselves."""
        if requested_by == self.user.user_id:
            raise NotPermitted("own-request", "Nobody approves their own request; somebody else must.")

    async def missing(self, table: str, key: int, what: str) -> NotFound | OutOfReach:
        """Why no row was seen: the refusal to raise. Rows of stores out of reach are hidden by the database itself.

        Usage: `raise await action.missing("sales_orders", order_id, "sales order")`.
        """
        stores = await self.value(STORE_OF, table=table, key=key)
        if stores is not None and not any(self.reach.allows(store_id) for store_id in stores):
            return OutOfReach("store-out-of-scope", f"Your account does not cover the store of this {what}.")
        return NotFound(f"unknown-{what.replace(' ', '-')}", f"There is no {what} {key}.")

    async def missing_own(self, table: str, key: int, what: str) -> NotFound | NotPermitted:
        """`missing` for rows that are seen by whose they are (`user_id`), and by whoever reaches every store."""
        if await self.value(OWNER_OF, table=table, key=key) is not None:
            return NotPermitted("not-own-record", "Your account covers only what you made yourself.")
        return NotFound(f"unknown-{what.replace(' ', '-')}", f"There is no {what} {key}.")

    def note(
        self,
        kind: str,
        entity_type: str,
        entity_id: object,
        *,
        store_id: int | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        severity: str | None = None,
    ) -> None:
        """An event for the audit trail, written with the change or not at all."""
        self.events.append(
            Event(
                kind=kind,
                entity_type=entity_type,
                entity_id=str(entity_id),
                user_id=self.user.user_id,
                username=self.user.username,
                roles=tuple(sorted(self.user.roles)),
                store_id=store_id,
                address=self.origin.address,
                user_agent=self.origin.user_agent,
                request_id=self.origin.request_id,
                severity=severity,
                before=before,
                after=after,
            )
        )

    def notify(self, topic: str, recipient: str, payload: Mapping[str, Any]) -> None:
        """A message to deliver once the change is committed, written with it or not at all."""
        self.messages.append((topic, recipient, payload))
