-- One row per posted count and product, power or unit that was counted.
SELECT
    l.stock_count_line_id,
    l.stock_count_id,
    s.store_code,
    p.sku,
    CAST(timezone(c.timezone, l.counted_at) AS DATE) AS counted_on,
    l.expected_qty,
    l.counted_qty,
    l.reason
FROM raw.stock_count_lines AS l
JOIN raw.stock_counts AS n USING (stock_count_id)
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
CROSS JOIN raw.chain AS c
WHERE n.status = 'posted' AND l.counted_qty IS NOT NULL
