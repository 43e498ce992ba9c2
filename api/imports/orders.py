"""Open orders as a complete statement: what is listed is on order, what has vanished is a receipt or a cancellation.

Orders that this system made itself are left alone: their receipts close them. Fills `receipts` (what came in, and on
which day) for the ledger, and moves the suggestions that an order came from.
"""

from __future__ import annotations

import datetime as dt

from api.imports.loading import Loading, Staged
from api.imports.merge import count_merged


def merge_open_orders(loading: Loading, staged: Staged) -> None:
    """Load the statement as of the folder's as_of.

    A line that vanished, or whose remaining quantity fell, was received if it was due by the new as_of and cancelled if
    not. A statement for the same as_of as the last one corrects it: nothing can have arrived in between.
    """
    loading.progress(f"load {staged.file}", 0, staged.count.rows)
    _create_orders(loading)
    _warn_of_own_orders(loading, staged)
    _compare(loading)
    is_correction = _last_statement(loading) == loading.as_of
    _find_receipts(loading, is_correction)
    _update_lines(loading)
    _close_orders(loading)
    _move_suggestions(loading)
    count_merged(loading, staged, "(SELECT * FROM merged_open_orders WHERE is_listed) AS listed")
    (closed,) = loading.count("SELECT count(*) FROM merged_open_orders WHERE NOT is_listed AND is_changed")
    staged.count.closed += closed


def _create_orders(loading: Loading) -> None:
    loading.execute(
        """CREATE TEMP TABLE stated_orders ON COMMIT DROP AS
        SELECT order_ref, max(v.vendor_id) AS vendor_id FROM staged_open_orders AS s
        LEFT JOIN vendors AS v USING (vendor_code) GROUP BY order_ref"""
    )
    loading.execute(
        """UPDATE purchase_orders AS t SET vendor_id = n.vendor_id FROM stated_orders AS n
        WHERE t.order_ref = n.order_ref AND t.created_by IS NULL
            AND n.vendor_id IS NOT NULL AND t.vendor_id IS DISTINCT FROM n.vendor_id"""
    )
    loading.execute(
        """INSERT INTO purchase_orders (order_ref, vendor_id)
        SELECT order_ref, vendor_id FROM stated_orders AS n
        WHERE NOT EXISTS (SELECT FROM purchase_orders AS t WHERE t.order_ref = n.order_ref) ORDER BY order_ref"""
    )


def _compare(loading: Loading) -> None:
    """`merged_open_orders`: every stated line, and every stored open line that the statement leaves out."""
    loading.execute(
        """CREATE TEMP TABLE merged_open_orders ON COMMIT DROP AS
        WITH n AS (
            SELECT o.purchase_order_id, o.order_ref, st.store_id, p.product_id, s.quantity::integer AS quantity,
                   s.expected_on, s.suggestion_id, s.line
            FROM staged_open_orders AS s JOIN purchase_orders AS o USING (order_ref)
            JOIN stores AS st USING (store_code) JOIN products AS p USING (sku)
            WHERE o.created_by IS NULL)
        SELECT n.purchase_order_id, n.order_ref, n.store_id, n.product_id, n.quantity, n.expected_on, n.suggestion_id,
               n.line, n.quantity > 0 AS is_listed, t.purchase_order_line_id AS existing, t.state AS state_before,
               t.open_qty AS open_qty_before, t.expected_on AS expected_on_before,
               t.suggestion_id AS suggestion_id_before,
               t.purchase_order_line_id IS NOT NULL AND CASE WHEN n.quantity = 0 THEN t.state = 'open' ELSE
                   t.state <> 'open' OR t.open_qty <> n.quantity OR t.expected_on <> n.expected_on
                   OR (n.suggestion_id IS NOT NULL AND n.suggestion_id IS DISTINCT FROM t.suggestion_id)
                   END AS is_changed
        FROM n LEFT JOIN purchase_order_lines AS t USING (purchase_order_id, store_id, product_id)
        WHERE n.quantity > 0 OR t.purchase_order_line_id IS NOT NULL
        UNION ALL
        SELECT t.purchase_order_id, o.order_ref, t.store_id, t.product_id, 0, t.expected_on, t.suggestion_id, NULL,
               false, t.purchase_order_line_id, t.state, t.open_qty, t.expected_on, t.suggestion_id, true
        FROM purchase_order_lines AS t JOIN purchase_orders AS o USING (purchase_order_id)
        WHERE t.state = 'open' AND o.created_by IS NULL AND NOT EXISTS (
            SELECT FROM n WHERE (n.purchase_order_id, n.store_id, n.product_id)
                              = (t.purchase_order_id, t.store_id, t.product_id))"""
    )


def _last_statement(loading: Loading) -> dt.date | None:
    row = loading.execute(
        """SELECT max(as_of) FROM imports, jsonb_array_elements(report -> 'files') AS file
        WHERE file ->> 'name' LIKE 'open\\_orders.%%'"""
    ).fetchone()
    assert row is not None
    return row[0] if isinstance(row[0], dt.date) else None


def _find_receipts(loading: Loading, is_correction: bool) -> None:
    # received on the day it was due, but not before the day the ledger stands at, nor after the last one it covers
    loading.execute(
        """INSERT INTO receipts
        SELECT existing, order_ref, store_id, product_id, open_qty_before - quantity,
               least(greatest(expected_on_before, %(passed)s::date), %(as_of)s::date - 1)
        FROM merged_open_orders
        WHERE is_changed AND state_before = 'open' AND open_qty_before > quantity
          AND expected_on_before <= %(as_of)s::date AND NOT %(is_correction)s""",
        passed=loading.as_of_before,
        as_of=loading.as_of,
        is_correction=is_correction,
    )


def _update_lines(loading: Loading) -> None:
    loading.execute(
        """UPDATE purchase_order_lines AS t
        SET open_qty = n.quantity, expected_on = n.expected_on,
            received_qty = t.received_qty + coalesce(r.quantity, 0),
            suggestion_id = coalesce(n.suggestion_id, t.suggestion_id),
            state = CASE WHEN n.quantity > 0 THEN 'open' WHEN r.quantity IS NOT NULL THEN 'received'
                    ELSE 'cancelled' END,
            closed_on = CASE WHEN n.quantity > 0 THEN NULL ELSE coalesce(r.received_on, %(as_of)s::date) END
        FROM merged_open_orders AS n LEFT JOIN receipts AS r ON r.purchase_order_line_id = n.existing
        WHERE t.purchase_order_line_id = n.existing AND n.is_changed""",
        as_of=loading.as_of,
    )
    loading.execute(
        """INSERT INTO purchase_order_lines
            (purchase_order_id, store_id, product_id, open_qty, expected_on, suggestion_id)
        SELECT purchase_order_id, store_id, product_id, quantity, expected_on, suggestion_id
        FROM merged_open_orders WHERE existing IS NULL ORDER BY line"""
    )


def _close_orders(loading: Loading) -> None:
    loading.execute(
        """WITH wanted AS (
            SELECT purchase_order_id, CASE
                WHEN bool_or(state = 'open') THEN
                    CASE WHEN sum(received_qty) > 0 THEN 'partially_received' ELSE 'sent' END
                WHEN sum(received_qty) > 0 THEN 'received' ELSE 'cancelled' END AS status
            FROM purchase_order_lines
            WHERE purchase_order_id IN (
                SELECT purchase_order_id FROM merged_open_orders WHERE existing IS NULL OR is_changed)
            GROUP BY purchase_order_id)
        UPDATE purchase_orders AS t SET status = wanted.status FROM wanted
        WHERE t.purchase_order_id = wanted.purchase_order_id AND t.status <> wanted.status"""
    )


def _warn_of_own_orders(loading: Loading, staged: Staged) -> None:
    (lines,) = loading.count(
        """SELECT count(*) FROM staged_open_orders JOIN purchase_orders USING (order_ref)
        WHERE created_by IS NOT NULL"""
    )
    if lines:
        staged.count.unchanged += lines
        loading.report.warnings.append(
            f"{staged.file}: {lines:,} line(s) name orders that were made here; they are left as they are"
        )


def _move_suggestions(loading: Loading) -> None:
    """An order that names a suggestion closes it: ordered, then received; expired when the order is cancelled."""
    loading.execute(
        """WITH lines AS (
            SELECT suggestion_id, bool_or(state = 'open') AS is_open, bool_or(state = 'received') AS is_received
            FROM purchase_order_lines
            WHERE suggestion_id IN (SELECT suggestion_id FROM merged_open_orders WHERE existing IS NULL OR is_changed)
            GROUP BY suggestion_id),
        wanted AS (
            SELECT suggestion_id,
                   CASE WHEN is_open THEN 'ordered' WHEN is_received THEN 'received' ELSE 'expired' END AS state
            FROM lines)
        UPDATE suggestions AS t SET state = wanted.state FROM wanted
        WHERE t.suggestion_id = wanted.suggestion_id AND t.state <> wanted.state"""
    )
