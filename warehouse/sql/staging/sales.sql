-- One row per recorded sale: a line of a customer order, or a day's total where no order is known (order_ref null).
-- Drafts and cancelled orders are no sales. Future and pre-opening days stay: the checks look for them here.
SELECT
    l.sold_on,
    s.store_code,
    p.sku,
    o.order_ref,
    l.line_ref,
    CAST(greatest(l.quantity, 0) AS INTEGER) AS sold_qty,
    CAST(greatest(-l.quantity, 0) AS INTEGER) AS returned_qty,
    l.net_amount
FROM raw.sales_order_lines AS l
JOIN raw.sales_orders AS o USING (sales_order_id)
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
WHERE o.status NOT IN ('draft', 'cancelled')
UNION ALL
SELECT
    d.sold_on,
    s.store_code,
    p.sku,
    NULL AS order_ref,
    NULL AS line_ref,
    d.sold_qty,
    d.returned_qty,
    d.net_amount
FROM raw.daily_sales AS d
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
