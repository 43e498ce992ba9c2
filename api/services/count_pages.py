"""Reading stock counts: a list, one with its sums, and its lines.

A count is blind: what the ledger expected is told once it is posted, and before that only to whoever approves
adjustments, so that nobody counts what they read.
"""

from __future__ import annotations

from api.services.action import Action, Row
from api.services.paging import Page, Paging

COLUMNS = (
    "c.stock_count_id, c.store_id, s.store_code, c.category, c.status, c.note, c.opened_by, c.created_at AS opened_at,"
    " c.closed_by, c.closed_at, c.updated_at"
)
SUMS = """
    LEFT JOIN LATERAL (
        SELECT count(l.counted_qty) AS counted_lines, count(*) - count(l.counted_qty) AS uncounted_lines,
            coalesce(sum(greatest(l.counted_qty - l.expected_qty, 0)), 0)::bigint AS found_qty,
            coalesce(sum(greatest(l.expected_qty - l.counted_qty, 0)), 0)::bigint AS lost_qty
        FROM stock_count_lines AS l WHERE l.stock_count_id = c.stock_count_id) AS n ON true"""
TOTALS = "n.counted_lines, n.uncounted_lines, n.found_qty, n.lost_qty"
LINES = """
    SELECT l.stock_count_line_id, l.product_id, p.sku, p.name, l.lens_cell_id, x.sph, x.cyl, x.add, l.stock_unit_id,
        u.serial, l.counted_qty, l.expected_qty, l.counted_qty - l.expected_qty AS difference_qty, l.reason,
        CASE WHEN l.counted_qty IS NOT NULL THEN l.counted_by END AS counted_by,
        CASE WHEN l.counted_qty IS NOT NULL THEN l.counted_at END AS counted_at
    FROM stock_count_lines AS l JOIN products AS p USING (product_id)
    LEFT JOIN lens_cells AS x ON x.lens_cell_id = l.lens_cell_id
    LEFT JOIN stock_units AS u ON u.stock_unit_id = l.stock_unit_id
    WHERE l.stock_count_id = %(count_id)s AND l.stock_count_line_id < %(after)s
    ORDER BY l.stock_count_line_id DESC LIMIT %(limit)s"""


async def list_counts(
    action: Action, paging: Paging, *, store_id: int | None = None, status: str | None = None
) -> Page:
    """Counts in reach, the newest first. Raises OutOfReach."""
    if store_id is not None:
        action.check_store(store_id)
    stores = action.reach.store_ids if store_id is None else [store_id]
    rows = await action.rows(
        f"SELECT {COLUMNS}, {TOTALS} FROM (SELECT * FROM stock_counts WHERE stock_count_id < %(after)s"
        " AND (%(stores)s::bigint[] IS NULL OR store_id = ANY(%(stores)s))"
        " AND (%(status)s::text IS NULL OR status = %(status)s)"
        f" ORDER BY stock_count_id DESC LIMIT %(limit)s) AS c JOIN stores AS s USING (store_id) {SUMS}"
        " ORDER BY c.stock_count_id DESC",
        after=paging.after_id(),
        stores=None if stores is None else sorted(stores),
        status=status,
        limit=paging.fetch,
    )
    return paging.page([_blind(action, row, row["status"]) for row in rows], ("stock_count_id",))


async def show_count(action: Action, count_id: int) -> Row:
    """One count with what it comes to. Raises NotFound, OutOfReach."""
    row = await action.row(
        f"SELECT {COLUMNS}, {TOTALS} FROM stock_counts AS c JOIN stores AS s USING (store_id) {SUMS}"
        " WHERE c.stock_count_id = %(count_id)s",
        count_id=count_id,
    )
    if row is None:
        raise await action.missing("stock_counts", count_id, "stock count")
    action.check_store(row["store_id"])
    return _blind(action, row, row["status"])


async def list_lines(action: Action, paging: Paging, count_id: int) -> Page:
    """The lines of a count, the last entered first. Raises NotFound, OutOfReach."""
    count = await action.row(
        "SELECT store_id, status FROM stock_counts WHERE stock_count_id = %(count_id)s", count_id=count_id
    )
    if count is None:
        raise await action.missing("stock_counts", count_id, "stock count")
    action.check_store(count["store_id"])
    rows = await action.rows(LINES, count_id=count_id, after=paging.after_id(), limit=paging.fetch)
    return paging.page([_blind(action, row, count["status"]) for row in rows], ("stock_count_line_id",))


def _blind(action: Action, row: Row, status: str) -> Row:
    if status == "posted" or action.can("stock:approve"):
        return row
    hidden = ("expected_qty", "difference_qty", "found_qty", "lost_qty")
    return {name: value for name, value in row.items() if name not in hidden}
