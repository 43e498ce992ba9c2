-- One row per sku and day on which units of a known cost came in from a vendor.
SELECT
    p.sku,
    m.moved_on AS received_on,
    CAST(sum(m.quantity) AS BIGINT) AS received_qty,
    CAST(sum(m.quantity * m.unit_cost) AS DECIMAL(18, 4)) AS cost_amount
FROM raw.stock_moves AS m
JOIN raw.products AS p USING (product_id)
WHERE m.kind = 'receipt' AND m.unit_cost IS NOT NULL
GROUP BY p.sku, m.moved_on
