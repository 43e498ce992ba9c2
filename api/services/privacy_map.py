"""Everything that is held on one customer: found by following the schema's own references, so no table is forgotten.

From `customers` down every foreign key: patients, orders, their lines, payments, jobs, and whatever is added later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from api.services.action import Action, Row

ROOT = "customers"
# a partition's references are its parent's
LINKS = """
    SELECT child.relname AS child, parent.relname AS parent,
           array(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS n (number, place)
                   JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = n.number ORDER BY place) AS columns,
           array(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS n (number, place)
                   JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = n.number ORDER BY place) AS targets
      FROM pg_constraint AS k
      JOIN pg_class AS child ON child.oid = k.conrelid AND NOT child.relispartition
      JOIN pg_class AS parent ON parent.oid = k.confrelid AND NOT parent.relispartition
     WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND k.conparentid = 0
     ORDER BY child.relname, k.conname
"""
KEYS = """
    SELECT c.relname AS name, a.attname AS key FROM pg_index AS i
      JOIN pg_class AS c ON c.oid = i.indrelid AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
      JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
     WHERE i.indisprimary
"""


@dataclass(frozen=True)
class Link:
    """A foreign key: `columns` of `child` name a row of `parent` by its `targets`."""

    child: str
    columns: tuple[str, ...]
    parent: str
    targets: tuple[str, ...]


async def read_links(action: Action) -> list[Link]:
    """Every foreign key of the schema."""
    rows = await action.rows(LINKS)
    return [Link(row["child"], tuple(row["columns"]), row["parent"], tuple(row["targets"])) for row in rows]


async def read_keys(action: Action) -> dict[str, str]:
    """The key of each table: the first column of its primary key, which names a row by itself."""
    return {row["name"]: row["key"] for row in await action.rows(KEYS)}


def tables_below(links: Iterable[Link], root: str = ROOT) -> list[str]:
    """The tables whose rows belong, directly or through others, to a row of `root`; the root first."""
    links, found = list(links), [root]
    for parent in found:  # grows while it is walked
        found += sorted({link.child for link in links if link.parent == parent} - set(found))
    return found


async def find_held(action: Action, customer_id: int) -> dict[str, list[int]]:
    """The keys of all rows that belong to the customer, by table; tables without any are there too."""
    links, keys = await read_links(action), await read_keys(action)
    tables = tables_below(links)
    held: dict[str, set[int]] = {table: set() for table in tables}
    held[ROOT] = {customer_id}
    due = [ROOT]
    while due:
        parent = due.pop()
        for link in links:
            if link.parent != parent or link.child not in held:
                continue
            found = await _children(action, link, keys, held[parent])
            if not found <= held[link.child]:
                held[link.child] |= found
                due.append(link.child)
    return {table: sorted(found) for table, found in held.items()}


async def read_rows(action: Action, table: str, key: str, ids: list[int]) -> list[Row]:
    """The whole rows of these keys."""
    query = sql.SQL("SELECT * FROM {} WHERE {} = ANY(%(ids)s) ORDER BY 1").format(
        sql.Identifier(table), sql.Identifier(key)
    )
    return await action.rows(query.as_string(), ids=ids) if ids else []


async def _children(action: Action, link: Link, keys: dict[str, str], parents: set[int]) -> set[int]:
    pairs = zip(link.columns, link.targets, strict=True)
    joined = sql.SQL(" AND ").join(
        sql.SQL("c.{} = p.{}").format(sql.Identifier(column), sql.Identifier(target)) for column, target in pairs
    )
    query = sql.SQL("SELECT c.{} AS found FROM {} AS c JOIN {} AS p ON {} WHERE p.{} = ANY(%(ids)s)").format(
        sql.Identifier(keys[link.child]),
        sql.Identifier(link.child),
        sql.Identifier(link.parent),
        joined,
        sql.Identifier(keys[link.parent]),
    )
    return {row["found"] for row in await action.rows(query.as_string(), ids=sorted(parents))}
