-- One row per source, sku, store (null = every one) and first day: what a unit cost, as well as can be known on a day.
-- moving_average is the mean of what was received over the year up to that day, weighted by quantity; history is what the
-- chain stated for a span of days; product is the present cost of the product, from ever. A reader takes them in this order.
SELECT
    'moving_average' AS source,
    r.sku,
    CAST(NULL AS VARCHAR) AS store_code,
    r.received_on AS valid_from_on,
    lead(r.received_on) OVER (PARTITION BY r.sku ORDER BY r.received_on) - 1 AS valid_to_on,
    CAST(sum(r.cost_amount) OVER past_year / sum(r.received_qty) OVER past_year AS DECIMAL(14, 4)) AS unit_cost
FROM staging.receipt_costs AS r
WINDOW past_year AS (PARTITION BY r.sku ORDER BY r.received_on RANGE BETWEEN INTERVAL 364 DAYS PRECEDING AND CURRENT ROW)
UNION ALL
SELECT 'history' AS source, u.sku, u.store_code, u.valid_from_on, u.valid_to_on, u.unit_cost
FROM staging.unit_costs AS u
UNION ALL
SELECT 'product' AS source, p.sku, NULL AS store_code, NULL AS valid_from_on, NULL AS valid_to_on, p.unit_cost
FROM staging.products AS p
WHERE p.unit_cost IS NOT NULL
