"""Staged sales into orders with lines, or into daily totals where lines name no order; and what they change in stock.

Orders that this system made itself are left alone: their lines are invoiced and their goods are posted already.

`sales_delta` gets the difference to what was loaded before, for days the ledger has passed already.
"""

from __future__ import annotations

from api.imports.bulk import trust_references
from api.imports.loading import Loading, Staged
from api.imports.merge import count_merged
from api.imports.records.resolution import Resolved

# lines of an order that was given up, or is not placed yet, took nothing
IS_SOLD = "o.status NOT IN ('draft', 'cancelled')"


def create_delta(loading: Loading) -> None:
    """The table in which the difference to earlier sales waits for the ledger."""
    loading.execute(
        "CREATE TEMP TABLE sales_delta (store_id bigint, product_id bigint, sold_on date, net_qty bigint)"
        " ON COMMIT DROP"
    )


def merge_sales(loading: Loading, staged: Staged) -> None:
    """Load both forms; a line or a total of the same key replaces the earlier one."""
    loading.progress(f"load {staged.file}", 0, staged.count.rows)
    if "order_ref" in staged.columns:
        _merge_lines(loading, staged)
    _merge_totals(loading, staged)
    _warn_of_grain(loading, staged)
    loading.progress(f"load {staged.file}", staged.count.rows, staged.count.rows)


def _merge_totals(loading: Loading, staged: Staged) -> None:
    # grouped by sorting, the rows come in the order of the unique index, in which they are quickest to insert
    loading.execute("SET LOCAL enable_hashagg = off")
    loading.execute(
        """CREATE TEMP TABLE merged_totals ON COMMIT DROP AS
        WITH n AS (
            SELECT st.store_id, p.product_id, s.sold_on,
                   coalesce(sum(s.quantity) FILTER (WHERE s.quantity > 0), 0)::integer AS sold_qty,
                   coalesce(-sum(s.quantity) FILTER (WHERE s.quantity < 0), 0)::integer AS returned_qty,
                   sum(s.net_amount)::numeric(14, 2) AS net_amount, count(*) AS line_count
            FROM staged_sales AS s JOIN stores AS st USING (store_code) JOIN products AS p USING (sku)
            WHERE s.order_ref IS NULL
            GROUP BY st.store_id, p.product_id, s.sold_on)
        SELECT n.*, t.daily_sales_id AS existing, t.sold_qty - t.returned_qty AS net_qty_before,
               t.daily_sales_id IS NOT NULL AND (n.sold_qty, n.returned_qty, n.net_amount)
                   IS DISTINCT FROM (t.sold_qty, t.returned_qty, t.net_amount) AS is_changed
        FROM n LEFT JOIN daily_sales AS t USING (store_id, product_id, sold_on)
        ORDER BY store_id, product_id, sold_on"""
    )
    loading.execute("SET LOCAL enable_hashagg = on")
    loading.execute(
        """INSERT INTO sales_delta
        SELECT store_id, product_id, sold_on, sold_qty - returned_qty - coalesce(net_qty_before, 0)
        FROM merged_totals WHERE (existing IS NULL OR is_changed) AND sold_on < %(passed)s::date""",
        passed=loading.as_of_before,
    )
    loading.execute(
        """UPDATE daily_sales AS t
        SET sold_qty = n.sold_qty, returned_qty = n.returned_qty, net_amount = n.net_amount
        FROM merged_totals AS n WHERE t.daily_sales_id = n.existing AND n.is_changed"""
    )
    with trust_references(loading, staged.count.rows, "stores", "products"):
        loading.execute(
            """INSERT INTO daily_sales (store_id, product_id, sold_on, sold_qty, returned_qty, net_amount)
            SELECT store_id, product_id, sold_on, sold_qty, returned_qty, net_amount
            FROM merged_totals WHERE existing IS NULL"""
        )
    count_merged(loading, staged, "merged_totals")
    (summed,) = loading.count("SELECT coalesce(sum(line_count - 1), 0) FROM merged_totals")
    staged.count.summed += summed


def _merge_lines(loading: Loading, staged: Staged) -> None:
    loading.execute(
        """INSERT INTO customers (customer_code)
        SELECT DISTINCT customer_ref FROM staged_sales AS s WHERE customer_ref IS NOT NULL AND order_ref IS NOT NULL
            AND NOT EXISTS (SELECT FROM customers AS c WHERE c.customer_code = s.customer_ref) ORDER BY 1"""
    )
    # a line is known by (order_ref, line_ref); the earlier one may have stood in another store
    loading.execute(
        """CREATE TEMP TABLE merged_lines ON COMMIT DROP AS
        WITH known AS (
            SELECT DISTINCT ON (o.order_ref, l.line_ref) o.order_ref, o.store_id, o.customer_id, l.*
            FROM sales_orders AS o JOIN sales_order_lines AS l USING (sales_order_id)
            WHERE o.order_ref IN (SELECT order_ref FROM staged_sales)
            ORDER BY o.order_ref, l.line_ref, o.sales_order_id),
        buyers AS (
            SELECT order_ref, store_code, (array_agg(customer_ref ORDER BY line))[1] AS customer_ref
            FROM staged_sales WHERE order_ref IS NOT NULL AND customer_ref IS NOT NULL GROUP BY 1, 2),
        n AS (
            SELECT s.order_ref, s.line_ref, st.store_id, p.product_id, s.sold_on, s.sold_at, s.quantity::integer,
                   s.net_amount::numeric(14, 2), c.customer_id
            FROM staged_sales AS s JOIN stores AS st USING (store_code) JOIN products AS p USING (sku)
            LEFT JOIN buyers AS b USING (order_ref, store_code)
            LEFT JOIN customers AS c ON c.customer_code = b.customer_ref
            WHERE s.order_ref IS NOT NULL AND s.order_ref NOT IN (
                SELECT order_ref FROM sales_orders WHERE order_number IS NOT NULL))
        SELECT n.*, t.sales_order_line_id AS existing, t.store_id AS store_id_before,
               t.product_id AS product_id_before, t.sold_on AS sold_on_before, t.quantity AS quantity_before,
               t.sales_order_line_id IS NOT NULL AND (
                   (n.store_id, n.product_id, n.sold_on, n.sold_at, n.quantity, n.net_amount) IS DISTINCT FROM
                   (t.store_id, t.product_id, t.sold_on, t.sold_at, t.quantity, t.net_amount)
                   OR (n.customer_id IS NOT NULL AND n.customer_id IS DISTINCT FROM t.customer_id)) AS is_changed
        FROM n LEFT JOIN known AS t USING (order_ref, line_ref)"""
    )
    _warn_of_customers(loading, staged)
    _warn_of_own_orders(loading, staged)
    loading.execute(
        """INSERT INTO sales_delta
        SELECT store_id, product_id, sold_on, quantity FROM merged_lines
        WHERE (existing IS NULL OR is_changed) AND sold_on < %(passed)s::date
        UNION ALL
        SELECT store_id_before, product_id_before, sold_on_before, -quantity_before FROM merged_lines
        WHERE is_changed AND sold_on_before < %(passed)s::date""",
        passed=loading.as_of_before,
    )
    loading.execute(
        """CREATE TEMP TABLE merged_orders ON COMMIT DROP AS
        SELECT order_ref, store_id, max(customer_id) AS customer_id, min(sold_on) AS ordered_on
        FROM merged_lines WHERE existing IS NULL OR is_changed GROUP BY order_ref, store_id"""
    )
    loading.execute(
        """UPDATE sales_orders AS t SET customer_id = n.customer_id FROM merged_orders AS n
        WHERE t.order_ref = n.order_ref AND t.store_id = n.store_id AND n.customer_id IS NOT NULL
            AND t.customer_id IS DISTINCT FROM n.customer_id"""
    )
    loading.execute(
        """INSERT INTO sales_orders (order_ref, store_id, customer_id, ordered_on)
        SELECT order_ref, store_id, customer_id, ordered_on FROM merged_orders AS n
        WHERE NOT EXISTS (SELECT FROM sales_orders AS t WHERE t.order_ref = n.order_ref AND t.store_id = n.store_id)
        ORDER BY order_ref, store_id"""
    )
    loading.execute(
        """UPDATE sales_order_lines AS t
        SET sales_order_id = o.sales_order_id, ordered_on = o.ordered_on, product_id = n.product_id,
            sold_on = n.sold_on, sold_at = n.sold_at, quantity = n.quantity, net_amount = n.net_amount
        FROM merged_lines AS n JOIN sales_orders AS o USING (order_ref, store_id)
        WHERE t.sales_order_line_id = n.existing AND n.is_changed"""
    )
    _make_months(loading)
    with trust_references(
        loading, staged.count.rows, "products", "sales_orders WHERE order_ref IN (SELECT order_ref FROM merged_orders)"
    ):
        loading.execute(
            """INSERT INTO sales_order_lines
                (sales_order_id, ordered_on, line_ref, product_id, sold_on, sold_at, quantity, net_amount)
            SELECT o.sales_order_id, o.ordered_on, n.line_ref, n.product_id, n.sold_on, n.sold_at,
                n.quantity, n.net_amount
            FROM merged_lines AS n JOIN sales_orders AS o USING (order_ref, store_id)
            WHERE n.existing IS NULL ORDER BY o.ordered_on, o.sales_order_id"""
        )
    loading.execute(
        """DELETE FROM sales_orders AS o USING merged_lines AS n
        WHERE n.is_changed AND n.store_id_before <> n.store_id
          AND o.order_ref = n.order_ref AND o.store_id = n.store_id_before
          AND NOT EXISTS (SELECT FROM sales_order_lines AS l WHERE l.sales_order_id = o.sales_order_id)
          AND NOT EXISTS (SELECT FROM payments AS p WHERE p.sales_order_id = o.sales_order_id)
          AND NOT EXISTS (SELECT FROM sales_returns AS r WHERE r.sales_order_id = o.sales_order_id)
          AND NOT EXISTS (SELECT FROM walkouts AS w WHERE w.sales_order_id = o.sales_order_id)"""
    )
    count_merged(loading, staged, "merged_lines")


def note_sales(loading: Loading, resolved: Resolved) -> None:
    """What lines of the record file change of days that the ledger has passed already."""
    if loading.as_of_before is None:
        return
    loading.execute(
        f"""INSERT INTO sales_delta
        SELECT o.store_id, m.product_id, m.sold_on, m.quantity
        FROM {resolved.table} AS m JOIN sales_orders AS o USING (sales_order_id)
        WHERE (m.existing IS NULL OR m.is_changed) AND m.sold_on < %(passed)s::date AND {IS_SOLD}
        UNION ALL
        SELECT o.store_id, t.product_id, t.sold_on, -t.quantity
        FROM {resolved.table} AS m JOIN sales_order_lines AS t ON t.sales_order_line_id = m.existing
        JOIN sales_orders AS o ON o.sales_order_id = t.sales_order_id
        WHERE m.is_changed AND t.sold_on < %(passed)s::date AND {IS_SOLD}""",
        passed=loading.as_of_before,
    )


def _make_months(loading: Loading) -> None:
    # a month of a few lines lies as well in the default partition
    loading.execute(
        """SELECT ims_make_partitions('sales_order_lines', month, month) FROM (
            SELECT date_trunc('month', o.ordered_on)::date AS month
            FROM merged_lines AS n JOIN sales_orders AS o USING (order_ref, store_id)
            WHERE n.existing IS NULL GROUP BY 1 HAVING count(*) >= 1000 ORDER BY 1) AS months"""
    )


def _warn_of_own_orders(loading: Loading, staged: Staged) -> None:
    (lines,) = loading.count(
        """SELECT count(*) FROM staged_sales
        WHERE order_ref IN (SELECT order_ref FROM sales_orders WHERE order_number IS NOT NULL)"""
    )
    if lines:
        staged.count.unchanged += lines
        loading.report.warnings.append(
            f"{staged.file}: {lines:,} line(s) name orders that were made here; they are left as they are"
        )


def _warn_of_customers(loading: Loading, staged: Staged) -> None:
    (orders,) = loading.count(
        """SELECT count(*) FROM (SELECT FROM staged_sales WHERE order_ref IS NOT NULL
           GROUP BY order_ref, store_code HAVING count(DISTINCT customer_ref) > 1) AS mixed"""
    )
    if orders:
        loading.report.warnings.append(
            f"{staged.file}: {orders:,} order(s) name more than one customer_ref; the first line's is kept"
        )


def _warn_of_grain(loading: Loading, staged: Staged) -> None:
    if loading.after.sales_grain != "week":
        return
    (rows,) = loading.count("SELECT count(*) FROM staged_sales WHERE extract(isodow FROM sold_on) <> 1")
    if rows:
        loading.report.warnings.append(
            f"{staged.file}: {rows:,} row(s) of weekly sales are not dated on a Monday, the first day of their week"
        )
