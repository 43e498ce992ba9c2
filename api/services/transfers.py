"""Reading transfers: a list by store and state, one with its lines. Both of its stores see a transfer."""

from __future__ import annotations

from typing import Literal

from api.services.action import Action, Row
from api.services.paging import Page, Paging
from api.services.transfers_state import check_either, possible_steps

Side = Literal["from", "to"]
HEADER = """
    SELECT t.stock_transfer_id, t.from_store_id, f.store_code AS from_store_code, t.to_store_id,
        d.store_code AS to_store_code, t.status, t.note, t.requested_by, t.created_at AS requested_at,
        t.approved_by AS decided_by, t.approved_at AS decided_at, t.decision_note, t.shipped_by, t.shipped_at,
        t.received_by, t.received_at, t.updated_at, n.requested_qty, n.shipped_qty, n.received_qty, n.short_qty,
        n.in_transit_qty,
        (t.status IN ('shipped', 'partially_received') AND t.shipped_at < now() - make_interval(days => coalesce(
            (SELECT (value #>> '{{}}')::integer FROM chain_settings WHERE key = 'transfer_days_to_receive'), 7)))
            AS is_overdue
    FROM ({chosen}) AS t
    JOIN stores AS f ON f.store_id = t.from_store_id JOIN stores AS d ON d.store_id = t.to_store_id
    LEFT JOIN LATERAL (
        SELECT sum(requested_qty)::bigint AS requested_qty, sum(shipped_qty)::bigint AS shipped_qty,
            sum(received_qty)::bigint AS received_qty, sum(damaged_qty + lost_qty)::bigint AS short_qty,
            sum(shipped_qty - received_qty - damaged_qty - lost_qty)::bigint AS in_transit_qty
        FROM stock_transfer_lines AS l WHERE l.stock_transfer_id = t.stock_transfer_id) AS n ON true
    ORDER BY t.stock_transfer_id DESC"""
LINES = """
    SELECT l.stock_transfer_line_id, l.product_id, p.sku, p.name, l.lens_cell_id, c.sph, c.cyl, c.add, l.stock_unit_id,
        u.serial, l.requested_qty, l.approved_qty, l.shipped_qty, l.received_qty, l.damaged_qty, l.lost_qty,
        l.shipped_qty - l.received_qty - l.damaged_qty - l.lost_qty AS in_transit_qty, l.short_reason,
        l.suggestion_id
    FROM stock_transfer_lines AS l JOIN products AS p USING (product_id)
    LEFT JOIN lens_cells AS c ON c.lens_cell_id = l.lens_cell_id
    LEFT JOIN stock_units AS u ON u.stock_unit_id = l.stock_unit_id
    WHERE l.stock_transfer_id = %(transfer_id)s ORDER BY l.stock_transfer_line_id"""
COLUMNS = {"from": "from_store_id = ANY(%(stores)s)", "to": "to_store_id = ANY(%(stores)s)"}


async def list_transfers(
    action: Action,
    paging: Paging,
    *,
    store_id: int | None = None,
    side: Side | None = None,
    status: str | None = None,
) -> Page:
    """Transfers from or to the stores in reach, the newest first; `side` keeps one direction. Raises OutOfReach."""
    if store_id is not None:
        action.check_store(store_id)
    stores = action.reach.store_ids if store_id is None else [store_id]
    where = ["stock_transfer_id < %(after)s"]
    if stores is not None:
        where.append(f"({' OR '.join(COLUMNS.values())})" if side is None else COLUMNS[side])
    if status is not None:
        where.append("status = %(status)s")
    chosen = (
        f"SELECT * FROM stock_transfers WHERE {' AND '.join(where)} ORDER BY stock_transfer_id DESC LIMIT %(limit)s"
    )
    rows = await action.rows(
        HEADER.format(chosen=chosen),
        after=paging.after_id(),
        stores=None if stores is None else sorted(stores),
        status=status,
        limit=paging.fetch,
    )
    return paging.page(rows, ("stock_transfer_id",))


async def show_transfer(action: Action, transfer_id: int) -> Row:
    """One transfer with its lines; `possible` is what may be done with it now. Raises NotFound, OutOfReach."""
    chosen = "SELECT * FROM stock_transfers WHERE stock_transfer_id = %(transfer_id)s"
    row = await action.row(HEADER.format(chosen=chosen), transfer_id=transfer_id)
    if row is None:
        raise await action.missing("stock_transfers", transfer_id, "stock transfer")
    check_either(action, row)
    lines = await action.rows(LINES, transfer_id=transfer_id)
    return {**row, "possible": list(possible_steps(row["status"])), "lines": lines}
