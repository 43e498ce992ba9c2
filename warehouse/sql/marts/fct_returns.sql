-- One row per returned order line before as_of: what came back, in which state, how long after it was sold.
SELECT
    l.record,
    l.line_id,
    l.sales_order_id,
    l.booked_on AS returned_on,
    l.sale_booked_on,
    l.sale_delivered_on,
    CAST(date_trunc('month', l.sale_delivered_on) AS DATE) AS sale_month_on,
    l.store_code,
    o.store_code AS sale_store_code,
    l.sku,
    l.customer_id,
    l.condition,
    l.returned_qty,
    -l.net_amount AS net_amount,
    -l.tax_amount AS tax_amount,
    -l.gross_amount AS gross_amount,
    CASE WHEN l.record = 'return_line' THEN CAST(l.booked_on - l.sale_booked_on AS INTEGER) END AS after_days
FROM marts.fct_sales_lines AS l
JOIN staging.sales_orders AS o USING (sales_order_id)
WHERE l.kind = 'return'
