"""The stock ledger's part of an import: opening, receipts, sales and returns since the last statement, counts.

Where the folder gives the moves themselves, these are the ledger, and only what a statement says otherwise is added.

A pair (store, product) has a ledger from its first statement on, standing at the chain's as_of. An import
rolls it on to the new as_of, through the statements on the way. Each statement starts a segment and is compared with
the end of the segment before it; only the difference is posted as a count. What was posted here meanwhile, by tills and
stock rooms, is part of the segments and is not posted again. Reads tables; appends to stock_moves alone.
"""

from __future__ import annotations

from api.imports.bulk import trust_references
from api.imports.loading import Loading
from api.imports.records.moves import post_given

# what is kept by lens power or by unit is counted where it lies: a statement per product says nothing of either
KEPT_APART = "(SELECT product_id FROM lens_cells UNION SELECT product_id FROM stock_units)"

# a day without receipts or returns may not sell more than is there: the level is reflected at zero, as in Lindley's
# recursion: level = flow - min(0, least flow so far); opening 5, sales 4 then 3 -> levels 1, 0 and 2 units not posted
LEVELS = """
    CREATE TEMP TABLE levels ON COMMIT DROP AS
    WITH days AS (
        SELECT store_id, product_id, segment_id, moved_on, min(start_qty) AS start_qty,
               coalesce(sum(quantity) FILTER (WHERE kind <> 'sale'), 0) AS in_qty,
               coalesce(sum(quantity) FILTER (WHERE kind = 'sale'), 0) AS out_qty
        FROM events GROUP BY store_id, product_id, segment_id, moved_on),
    flows AS (
        SELECT *, start_qty + sum(in_qty - out_qty) OVER past AS flow FROM days
        WINDOW past AS (PARTITION BY segment_id ORDER BY moved_on)),
    missed AS (
        SELECT *, greatest(0, -min(flow) OVER (PARTITION BY segment_id ORDER BY moved_on)) AS missed_qty FROM flows)
    SELECT store_id, product_id, segment_id, moved_on, out_qty, flow + missed_qty AS level_qty,
           out_qty - (missed_qty - coalesce(lag(missed_qty) OVER (PARTITION BY segment_id ORDER BY moved_on), 0))
               AS served_qty
    FROM missed"""

MOVES = """
    WITH moves AS (
        SELECT store_id, product_id, starts_on - 1 AS moved_on, abs(quantity) AS quantity, NULL AS reference,
               CASE WHEN is_opening THEN 'opening' ELSE 'count' END AS kind,
               CASE WHEN is_opening THEN 'opening' ELSE 'loss' END AS other, quantity > 0 AS is_in
        FROM counts WHERE quantity <> 0
        UNION ALL
        SELECT store_id, product_id, moved_on, quantity, reference, kind,
               CASE WHEN kind = 'receipt' THEN 'vendor' ELSE 'customer' END, true
        FROM events WHERE kind NOT IN ('sale', 'posted')
        UNION ALL
        SELECT store_id, product_id, moved_on, served_qty, NULL, 'sale', 'customer', false
        FROM levels WHERE served_qty > 0
        UNION ALL
        -- what left here by other ways than this import was there, whatever a statement said
        SELECT store_id, product_id, moved_on, -served_qty, NULL, 'count', 'loss', true
        FROM levels WHERE served_qty < 0),
    posted AS (
        INSERT INTO stock_moves
            (product_id, source_location_id, destination_location_id, quantity, moved_on, kind, reference)
        SELECT m.product_id, CASE WHEN is_in THEN o.location_id ELSE l.location_id END,
               CASE WHEN is_in THEN l.location_id ELSE o.location_id END, m.quantity, m.moved_on, m.kind,
               m.reference
        FROM moves AS m JOIN stock_locations AS l ON l.store_id = m.store_id AND l.kind = 'store'
        JOIN stock_locations AS o ON o.kind = m.other
        ORDER BY m.moved_on, m.kind, m.store_id, m.product_id
        RETURNING kind)
    SELECT kind, count(*) FROM posted GROUP BY kind ORDER BY kind"""


def create_receipts(loading: Loading) -> None:
    """The table in which `orders.py` leaves what came in."""
    loading.execute(
        """CREATE TEMP TABLE receipts (purchase_order_line_id bigint, order_ref text, store_id bigint,
            product_id bigint, quantity bigint, received_on date) ON COMMIT DROP"""
    )


def find_anchors(loading: Loading) -> None:
    """Before statements are merged: the last statement of each pair that has a ledger (`anchors`)."""
    loading.execute(
        f"""CREATE TEMP TABLE anchors ON COMMIT DROP AS
        SELECT store_id, product_id, max(as_of) AS stated_on FROM stock_statements
        WHERE product_id NOT IN {KEPT_APART} GROUP BY store_id, product_id"""
    )


def post_moves(loading: Loading) -> None:
    """Roll every ledger to the new as_of and append the moves; counts of moves go to the report."""
    given = loading.files.get("stock_moves")
    (pairs,) = loading.count("SELECT (SELECT count(*) FROM anchors) + (SELECT count(*) FROM staged_stock)")
    if not pairs and given is None:
        return
    loading.progress("post stock moves", 0, None)
    # from here to the commit nobody else posts: what is computed from the ledger must still hold when it is appended
    loading.execute("LOCK TABLE ONLY stock_moves IN SHARE ROW EXCLUSIVE MODE")
    if given is not None:
        post_given(loading, given)
    _open_segments(loading)
    _find_events(loading)
    loading.execute("ANALYZE segments")
    loading.execute(LEVELS)
    _warn_of_late(loading)
    _warn_of_kept_apart(loading)
    _compare_statements(loading)
    _append(loading)


def _open_segments(loading: Loading) -> None:
    """`segments`: from the day the ledger stands at (with what it holds), and from every statement of this folder."""
    loading.execute(
        f"""CREATE TEMP TABLE stated ON COMMIT DROP AS
        SELECT st.store_id, p.product_id, s.as_of, s.on_hand, s.line, a.stated_on,
               a.stated_on IS NOT NULL AND s.as_of < %(passed)s::date AS is_late
        FROM staged_stock AS s JOIN stores AS st USING (store_code) JOIN products AS p USING (sku)
        LEFT JOIN anchors AS a USING (store_id, product_id) WHERE p.product_id NOT IN {KEPT_APART}""",
        passed=loading.as_of_before,
    )
    loading.execute(
        """CREATE TEMP TABLE segments ON COMMIT DROP AS
        WITH held AS (
            SELECT store_id, product_id, sum(quantity) AS on_hand FROM (
                SELECT l.store_id, m.product_id, m.quantity FROM stock_moves AS m
                JOIN stock_locations AS l ON l.location_id = m.destination_location_id
                WHERE l.kind = 'store' AND m.moved_on < %(passed)s::date
                UNION ALL
                SELECT l.store_id, m.product_id, -m.quantity FROM stock_moves AS m
                JOIN stock_locations AS l ON l.location_id = m.source_location_id
                WHERE l.kind = 'store' AND m.moved_on < %(passed)s::date) AS ends
            GROUP BY store_id, product_id),
        starts AS (
            -- late news of days already passed is posted on the day before, hence the - 1
            SELECT store_id, product_id, %(passed)s::date - 1 AS starts_on, coalesce(h.on_hand, 0) AS start_qty,
                   a.stated_on, false AS is_statement
            FROM anchors AS a LEFT JOIN held AS h USING (store_id, product_id)
            UNION ALL
            SELECT store_id, product_id, as_of, on_hand, stated_on, true FROM stated WHERE NOT is_late)
        SELECT *, row_number() OVER (ORDER BY store_id, product_id, starts_on) AS segment_id,
               lead(starts_on) OVER (PARTITION BY store_id, product_id ORDER BY starts_on) AS ends_on,
               lag(starts_on) OVER (PARTITION BY store_id, product_id ORDER BY starts_on) IS NULL AND is_statement
                   AS is_opening
        FROM starts""",
        passed=loading.as_of_before,
    )


def _find_events(loading: Loading) -> None:
    """`events`: receipts, sales, returns and corrections by the day they are posted, in the segment of that day."""
    loading.execute(
        """CREATE TEMP TABLE events ON COMMIT DROP AS
        WITH starts AS (
            -- sales count from the day the ledger stands at, or from the first statement
            SELECT store_id, product_id, min(starts_on) + bool_or(NOT is_statement)::integer AS from_on,
                   max(stated_on) AS stated_on
            FROM segments GROUP BY store_id, product_id),
        sold AS (
            SELECT store_id, product_id, sold_on, sold_qty, returned_qty
            FROM daily_sales AS d JOIN starts AS s USING (store_id, product_id)
            WHERE d.sold_on >= s.from_on AND d.sold_on < %(as_of)s::date AND NOT %(is_given)s
            UNION ALL
            SELECT store_id, product_id, sold_on, greatest(quantity, 0), greatest(-quantity, 0)
            FROM sales_order_lines AS l JOIN sales_orders AS o USING (sales_order_id)
            JOIN starts AS s USING (store_id, product_id)
            -- orders with a number were taken here: they post their own moves when they are delivered
            WHERE o.order_number IS NULL AND l.sold_on >= s.from_on AND l.sold_on < %(as_of)s::date
                AND NOT %(is_given)s AND o.status NOT IN ('draft', 'cancelled')),
        -- a week's total is sold by the end of the week
        dated AS (
            SELECT store_id, product_id, sold_qty, returned_qty,
                   CASE WHEN %(grain)s = 'week' THEN least(sold_on + 6, %(as_of)s::date - 1) ELSE sold_on END
                       AS moved_on
            FROM sold),
        delta AS (
            SELECT store_id, product_id, sum(net_qty) AS net_qty
            FROM sales_delta JOIN starts AS s USING (store_id, product_id)
            WHERE s.stated_on IS NOT NULL AND sold_on >= s.stated_on AND sold_on < %(passed)s::date
                AND NOT %(is_given)s
            GROUP BY store_id, product_id),
        all_events AS (
            SELECT store_id, product_id, moved_on, 'sale' AS kind, sum(sold_qty) AS quantity, NULL AS reference
            FROM dated GROUP BY store_id, product_id, moved_on HAVING sum(sold_qty) > 0
            UNION ALL
            SELECT store_id, product_id, moved_on, 'return', sum(returned_qty), NULL
            FROM dated GROUP BY store_id, product_id, moved_on HAVING sum(returned_qty) > 0
            UNION ALL
            SELECT store_id, product_id, received_on, 'receipt', quantity, order_ref FROM receipts
            WHERE NOT %(is_given)s
            UNION ALL
            SELECT l.store_id, e.product_id, e.moved_on, 'posted', sum(e.quantity), NULL
            FROM (SELECT destination_location_id AS location_id, product_id, moved_on, quantity FROM stock_moves
                  UNION ALL
                  SELECT source_location_id, product_id, moved_on, -quantity FROM stock_moves) AS e
            JOIN stock_locations AS l USING (location_id)
            WHERE l.kind = 'store' AND e.moved_on >= greatest(%(passed)s::date, (SELECT min(starts_on) FROM segments))
            GROUP BY l.store_id, e.product_id, e.moved_on
            UNION ALL
            SELECT store_id, product_id, %(passed)s::date - 1, CASE WHEN net_qty > 0 THEN 'sale' ELSE 'reversal' END,
                   abs(net_qty), 'correction of sales' FROM delta WHERE net_qty <> 0)
        SELECT e.*, s.segment_id, s.start_qty
        FROM all_events AS e JOIN segments AS s
          ON s.store_id = e.store_id AND s.product_id = e.product_id
         AND e.moved_on >= s.starts_on AND (s.ends_on IS NULL OR e.moved_on < s.ends_on)
        -- what came before the last statement is part of what it said
        WHERE e.moved_on >= coalesce(s.stated_on, e.moved_on)""",
        as_of=loading.as_of,
        passed=loading.as_of_before,
        grain=loading.after.sales_grain,
        is_given="stock_moves" in loading.files,
    )


def _compare_statements(loading: Loading) -> None:
    """`counts`: for each statement, what it adds to or takes from what the segment before it ends with."""
    loading.execute(
        """CREATE TEMP TABLE counts ON COMMIT DROP AS
        WITH last AS (
            SELECT DISTINCT ON (segment_id) segment_id, level_qty FROM levels ORDER BY segment_id, moved_on DESC),
        ends AS (
            SELECT segment_id, coalesce(level_qty, start_qty) AS end_qty
            FROM segments LEFT JOIN last USING (segment_id)),
        -- goods may have come by receipts or transfers posted here before anybody stated what there is
        found AS (
            SELECT s.segment_id, sum(e.quantity) AS found_qty
            FROM segments AS s JOIN stock_locations AS l ON l.store_id = s.store_id AND l.kind = 'store'
            JOIN (SELECT destination_location_id AS location_id, product_id, moved_on, quantity FROM stock_moves
                  UNION ALL
                  SELECT source_location_id, product_id, moved_on, -quantity FROM stock_moves) AS e
              ON e.location_id = l.location_id AND e.product_id = s.product_id AND e.moved_on < s.starts_on
            WHERE s.is_opening GROUP BY s.segment_id)
        SELECT s.store_id, s.product_id, s.starts_on, s.is_opening AND NOT %(is_given)s AS is_opening,
               s.start_qty - CASE WHEN s.is_opening THEN coalesce(f.found_qty, 0) ELSE e.end_qty END AS quantity
        FROM segments AS s LEFT JOIN ends AS e ON e.segment_id = s.segment_id - 1
        LEFT JOIN found AS f ON f.segment_id = s.segment_id
        WHERE s.is_statement""",
        is_given="stock_moves" in loading.files,
    )
    stated, differing, more, less = loading.count(
        """SELECT count(*), count(*) FILTER (WHERE quantity <> 0),
               coalesce(sum(quantity) FILTER (WHERE quantity > 0), 0),
               coalesce(-sum(quantity) FILTER (WHERE quantity < 0), 0)
        FROM counts WHERE NOT is_opening"""
    )
    if differing:
        (missed,) = loading.count("SELECT coalesce(sum(out_qty - served_qty), 0) FROM levels")
        beyond = f"; {missed:,} units were sold beyond what was on hand" if missed else ""
        loading.report.warnings.append(
            f"stock: {differing:,} of {stated:,} statements differ from the ledger and were posted as counts"
            f" (+{more:,} and -{less:,} units){beyond}"
        )


def _append(loading: Loading) -> None:
    (rows,) = loading.count("SELECT (SELECT count(*) FROM counts) + (SELECT count(*) FROM events)")
    loading.execute(
        """SELECT ims_make_partitions('stock_moves', least(min(starts_on) - 1, (SELECT min(moved_on) FROM events)),
                                      greatest(max(starts_on), (SELECT max(moved_on) FROM events)))
        FROM segments"""
    )
    with trust_references(loading, rows, "products", "stock_locations"):
        appended = loading.execute(MOVES).fetchall()
    loading.report.moves = {str(kind): int(str(count)) for kind, count in appended}


def _warn_of_kept_apart(loading: Loading) -> None:
    (skipped,) = loading.count(
        f"SELECT count(*) FROM staged_stock JOIN products USING (sku) WHERE product_id IN {KEPT_APART}"
    )
    if skipped:
        loading.report.warnings.append(
            f"stock: {skipped:,} statement(s) are of products kept by lens power or unit; they are kept as evidence and"
            " post nothing: count these in the stores"
        )


def _warn_of_late(loading: Loading) -> None:
    (late,) = loading.count("SELECT count(*) FROM stated WHERE is_late")
    if late:
        loading.report.warnings.append(
            f"stock: {late:,} statement(s) lie before {loading.as_of_before}, the day the ledger stands at;"
            " they are kept as evidence and post nothing"
        )
