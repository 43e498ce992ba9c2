-- One row per visitor who left without buying before as_of: why, and whether they came back and bought.
SELECT
    w.walkout_id,
    w.store_code,
    w.walked_out_on,
    w.reason,
    w.category,
    w.sku,
    k.survivor_id AS customer_id,
    w.price_from,
    w.price_to,
    w.result,
    w.sales_order_id,
    w.result = 'converted' AS is_recovered,
    w.reason = 'not_available' AS is_lost_to_stock
FROM staging.walkouts AS w
CROSS JOIN staging.chain AS c
LEFT JOIN staging.customers AS k USING (customer_id)
WHERE w.walked_out_on < c.as_of
