-- One row per store and sku that is in the assortment at as_of or has ever been sold: the pairs to forecast and plan.
-- Prices and costs are numbers for models here; the exact amounts are in dim_product.
WITH sold AS (
    SELECT s.store_code, s.sku, max(s.sold_on) AS last_sold_on
    FROM staging.sales AS s
    CROSS JOIN staging.chain AS c
    WHERE s.sold_on < c.as_of AND s.sold_qty > 0
    GROUP BY s.store_code, s.sku
),
carried AS (
    SELECT a.store_code, a.sku
    FROM staging.assortment AS a
    CROSS JOIN staging.chain AS c
    WHERE coalesce(a.from_on <= c.as_of, TRUE) AND coalesce(a.to_on >= c.as_of, TRUE)
    UNION
    -- a chain without an assortment file carries what was stated as stock, or sold in the last 52 weeks
    SELECT k.store_code, k.sku
    FROM (
        SELECT t.store_code, t.sku
        FROM staging.stock_statements AS t
        CROSS JOIN staging.chain AS c
        WHERE t.as_of <= c.as_of
        UNION ALL
        SELECT s.store_code, s.sku
        FROM sold AS s
        CROSS JOIN staging.chain AS c
        WHERE s.last_sold_on >= c.as_of - 364
    ) AS k
    WHERE NOT EXISTS (SELECT 1 FROM staging.assortment)
),
pairs AS (
    SELECT
        store_code,
        sku,
        k.store_code IS NOT NULL AS is_carried,
        s.store_code IS NOT NULL AS is_sold
    FROM carried AS k
    FULL JOIN sold AS s USING (store_code, sku)
)
SELECT
    a.store_code,
    a.sku,
    p.category,
    p.subcategory,
    p.brand,
    t.cluster,
    t.region,
    p.launched_on,
    p.discontinued_on,
    CAST(p.unit_price AS DOUBLE) AS unit_price,
    CAST(p.unit_cost AS DOUBLE) AS unit_cost,
    a.is_carried
        AND coalesce(p.discontinued_on > c.as_of, TRUE)
        AND coalesce(t.closed_on > c.as_of, TRUE) AS is_in_assortment
FROM pairs AS a
JOIN staging.products AS p USING (sku)
JOIN staging.stores AS t USING (store_code)
CROSS JOIN staging.chain AS c
WHERE a.is_sold OR is_in_assortment
