-- One row per recorded sale: a line of a customer order, what came back of one, or a day's total where no order is known.
-- Drafts and cancelled orders are no sales. What the checks hold back is left out: rows before the opening or after the
-- data's end, store-days that cannot be believed. What a folder tells as a line below zero and a return document tells as
-- well counts once, as the line.
SELECT
    l.sold_on,
    s.store_code,
    p.sku,
    o.order_ref,
    l.line_ref,
    l.sales_order_id,
    CAST(NULL AS BIGINT) AS daily_sales_id,
    CAST(greatest(l.quantity, 0) AS INTEGER) AS sold_qty,
    CAST(greatest(-l.quantity, 0) AS INTEGER) AS returned_qty,
    l.net_amount
FROM raw.sales_order_lines AS l
JOIN raw.sales_orders AS o USING (sales_order_id)
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
ANTI JOIN checks.quarantine AS q ON q.table_name = 'sales_order_lines' AND q.row_id = l.sales_order_line_id
ANTI JOIN checks.blocked_days AS x ON x.store_code = s.store_code AND x.day_on = l.sold_on
WHERE o.status NOT IN ('draft', 'cancelled')
UNION ALL
SELECT
    r.returned_on AS sold_on,
    s.store_code,
    p.sku,
    o.order_ref,
    'return ' || b.sales_return_line_id AS line_ref,
    l.sales_order_id,
    NULL AS daily_sales_id,
    0 AS sold_qty,
    b.quantity AS returned_qty,
    CAST(-b.taxable_amount AS DECIMAL(14, 2)) AS net_amount
FROM raw.sales_return_lines AS b
JOIN raw.sales_returns AS r USING (sales_return_id)
JOIN raw.sales_order_lines AS l USING (sales_order_line_id)
JOIN raw.sales_orders AS o ON o.sales_order_id = l.sales_order_id
JOIN raw.stores AS s ON s.store_id = r.store_id
JOIN raw.products AS p ON p.product_id = l.product_id
ANTI JOIN raw.sales_order_lines AS n
    ON n.sales_order_id = l.sales_order_id AND n.product_id = l.product_id AND n.sold_on = r.returned_on AND n.quantity < 0
ANTI JOIN checks.blocked_days AS x ON x.store_code = s.store_code AND x.day_on = r.returned_on
WHERE o.status NOT IN ('draft', 'cancelled')
UNION ALL
SELECT
    d.sold_on,
    s.store_code,
    p.sku,
    NULL AS order_ref,
    NULL AS line_ref,
    NULL AS sales_order_id,
    d.daily_sales_id,
    d.sold_qty,
    d.returned_qty,
    d.net_amount
FROM raw.daily_sales AS d
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
ANTI JOIN checks.quarantine AS q ON q.table_name = 'daily_sales' AND q.row_id = d.daily_sales_id
ANTI JOIN checks.blocked_days AS x ON x.store_code = s.store_code AND x.day_on = d.sold_on
