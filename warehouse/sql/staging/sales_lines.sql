-- One row per order line, returned order line or day's total: what was sold and what came back, in money, on both clocks.
-- booked_on and delivered_on are the days on which the row counts, a return's both the day on which it came back;
-- sale_booked_on and sale_delivered_on are those of the sale that it takes back. A day's total is both in one.
-- What the checks hold back stays here, marked, so that all of it together is what PostgreSQL holds.
WITH orders AS (
    SELECT
        o.sales_order_id,
        o.store_id,
        o.status,
        CAST(timezone(c.timezone, o.confirmed_at) AS DATE) AS booked_on,
        CASE
            WHEN o.delivered_at IS NOT NULL THEN CAST(timezone(c.timezone, o.delivered_at) AS DATE)
            ELSE o.invoiced_on
        END AS delivered_on
    FROM raw.sales_orders AS o
    CROSS JOIN raw.chain AS c
    WHERE o.status NOT IN ('draft', 'cancelled')
),
lines AS (
    SELECT
        l.*,
        o.store_id,
        r.source AS prescription_source,
        CASE WHEN l.quantity < 0 THEN l.sold_on ELSE coalesce(o.booked_on, l.sold_on) END AS booked_on,
        CASE
            WHEN l.quantity < 0 THEN l.sold_on
            WHEN o.delivered_on IS NOT NULL THEN o.delivered_on
            WHEN o.booked_on IS NULL AND o.status IN ('delivered', 'returned') THEN l.sold_on
        END AS delivered_on
    FROM raw.sales_order_lines AS l
    JOIN orders AS o USING (sales_order_id)
    LEFT JOIN raw.prescriptions AS r USING (prescription_id)
)
SELECT
    'order_line' AS record,
    l.sales_order_line_id AS line_id,
    CASE WHEN l.quantity < 0 THEN 'return' ELSE 'sale' END AS kind,
    l.sales_order_id,
    CAST(NULL AS BIGINT) AS returned_line_id,
    l.booked_on,
    l.delivered_on,
    l.booked_on AS sale_booked_on,
    l.delivered_on AS sale_delivered_on,
    s.store_code,
    p.sku,
    CAST(greatest(l.quantity, 0) AS BIGINT) AS sold_qty,
    CAST(greatest(-l.quantity, 0) AS BIGINT) AS returned_qty,
    CAST(round(l.quantity * l.unit_price, 2) AS DECIMAL(14, 2)) AS list_amount,
    CAST(l.quantity * l.mrp AS DECIMAL(14, 2)) AS mrp_amount,
    l.discount_amount,
    l.net_amount,
    l.tax_amount,
    l.line_total AS gross_amount,
    l.tax_rate,
    l.cost_at_sale AS unit_cost,
    CAST(NULL AS VARCHAR) AS condition,
    l.prescription_source,
    l.pair_group,
    (q.row_id IS NOT NULL OR x.day_on IS NOT NULL) AS is_held_back
FROM lines AS l
JOIN raw.stores AS s ON s.store_id = l.store_id
JOIN raw.products AS p ON p.product_id = l.product_id
LEFT JOIN checks.quarantine AS q ON q.table_name = 'sales_order_lines' AND q.row_id = l.sales_order_line_id
LEFT JOIN checks.blocked_days AS x ON x.store_code = s.store_code AND x.day_on = l.sold_on
UNION ALL
SELECT
    'return_line' AS record,
    b.sales_return_line_id AS line_id,
    'return' AS kind,
    l.sales_order_id,
    l.sales_order_line_id AS returned_line_id,
    r.returned_on AS booked_on,
    r.returned_on AS delivered_on,
    l.booked_on AS sale_booked_on,
    l.delivered_on AS sale_delivered_on,
    s.store_code,
    p.sku,
    0 AS sold_qty,
    CAST(b.quantity AS BIGINT) AS returned_qty,
    NULL AS list_amount,
    NULL AS mrp_amount,
    NULL AS discount_amount,
    CAST(-b.taxable_amount AS DECIMAL(14, 2)) AS net_amount,
    CAST(-b.tax_amount AS DECIMAL(14, 2)) AS tax_amount,
    CAST(-b.taxable_amount - b.tax_amount AS DECIMAL(14, 2)) AS gross_amount,
    l.tax_rate,
    l.cost_at_sale AS unit_cost,
    b.condition,
    l.prescription_source,
    NULL AS pair_group,
    x.day_on IS NOT NULL AS is_held_back
FROM raw.sales_return_lines AS b
JOIN raw.sales_returns AS r USING (sales_return_id)
JOIN lines AS l ON l.sales_order_line_id = b.sales_order_line_id
JOIN raw.stores AS s ON s.store_id = r.store_id
JOIN raw.products AS p ON p.product_id = l.product_id
ANTI JOIN raw.sales_order_lines AS n
    ON n.sales_order_id = l.sales_order_id AND n.product_id = l.product_id AND n.sold_on = r.returned_on AND n.quantity < 0
LEFT JOIN checks.blocked_days AS x ON x.store_code = s.store_code AND x.day_on = r.returned_on
UNION ALL
SELECT
    'daily_total' AS record,
    d.daily_sales_id AS line_id,
    'total' AS kind,
    NULL AS sales_order_id,
    NULL AS returned_line_id,
    d.sold_on AS booked_on,
    d.sold_on AS delivered_on,
    d.sold_on AS sale_booked_on,
    d.sold_on AS sale_delivered_on,
    s.store_code,
    p.sku,
    CAST(d.sold_qty AS BIGINT) AS sold_qty,
    CAST(d.returned_qty AS BIGINT) AS returned_qty,
    NULL AS list_amount,
    NULL AS mrp_amount,
    NULL AS discount_amount,
    d.net_amount,
    NULL AS tax_amount,
    NULL AS gross_amount,
    NULL AS tax_rate,
    NULL AS unit_cost,
    NULL AS condition,
    NULL AS prescription_source,
    NULL AS pair_group,
    (q.row_id IS NOT NULL OR x.day_on IS NOT NULL) AS is_held_back
FROM raw.daily_sales AS d
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
LEFT JOIN checks.quarantine AS q ON q.table_name = 'daily_sales' AND q.row_id = d.daily_sales_id
LEFT JOIN checks.blocked_days AS x ON x.store_code = s.store_code AND x.day_on = d.sold_on
