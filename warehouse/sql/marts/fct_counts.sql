-- One row per product, power or unit counted in a posted count: what was there, what should have been, at the cost of the day.
SELECT
    l.stock_count_line_id,
    l.stock_count_id,
    l.store_code,
    l.sku,
    l.counted_on,
    l.reason,
    CAST(l.expected_qty AS BIGINT) AS expected_qty,
    CAST(l.counted_qty AS BIGINT) AS counted_qty,
    CAST(l.counted_qty - l.expected_qty AS BIGINT) AS variance_qty,
    CAST(l.counted_qty * coalesce(s.unit_cost, p.unit_cost) AS DECIMAL(18, 4)) AS counted_cost_amount,
    CAST((l.counted_qty - l.expected_qty) * coalesce(s.unit_cost, p.unit_cost) AS DECIMAL(18, 4)) AS variance_cost_amount,
    coalesce(s.is_cost_estimated, TRUE) AND coalesce(s.unit_cost, p.unit_cost) IS NOT NULL AS is_cost_estimated
FROM staging.count_lines AS l
JOIN staging.products AS p USING (sku)
CROSS JOIN staging.chain AS c
ASOF LEFT JOIN marts.fct_stock_spans AS s
    ON s.store_code = l.store_code AND s.sku = l.sku AND s.from_on <= l.counted_on
WHERE l.counted_on < c.as_of
