-- One row per store and sku of dim_assortment that somebody supplies: the terms and costs that hold for it.
-- Terms of the store win over those of every store; then the cheapest vendor, the fastest, the first by code.
-- Of the cost lines the most specific wins as a whole: sku and store, sku, store, everywhere.
WITH terms AS (
    SELECT a.store_code, a.sku, t.* EXCLUDE (store_code, sku), TRUE AS is_own
    FROM marts.dim_assortment AS a
    JOIN staging.supply_terms AS t ON t.sku = a.sku AND t.store_code = a.store_code
    UNION ALL
    SELECT a.store_code, a.sku, t.* EXCLUDE (store_code, sku), FALSE AS is_own
    FROM marts.dim_assortment AS a
    JOIN staging.supply_terms AS t ON t.sku = a.sku AND t.store_code IS NULL
),
best AS (
    SELECT *
    FROM terms
    QUALIFY row_number() OVER (
        PARTITION BY store_code, sku
        ORDER BY is_own DESC, unit_cost ASC NULLS LAST, lead_time_days, vendor_code
    ) = 1
),
costs AS (
    SELECT
        t.sku,
        t.store_code,
        {'holding': t.holding_cost_per_unit_week, 'shortage': t.shortage_cost_per_unit, 'level': t.service_level} AS line
    FROM staging.cost_terms AS t
),
display AS (
    SELECT a.store_code, a.sku, max(a.display_min) AS display_min
    FROM staging.assortment AS a
    CROSS JOIN staging.chain AS c
    WHERE coalesce(a.from_on <= c.as_of, TRUE) AND coalesce(a.to_on >= c.as_of, TRUE)
    GROUP BY a.store_code, a.sku
),
resolved AS (
    SELECT b.*, coalesce(pair.line, product.line, store.line, everywhere.line) AS line, d.display_min
    FROM best AS b
    LEFT JOIN costs AS pair ON pair.sku = b.sku AND pair.store_code = b.store_code
    LEFT JOIN costs AS product ON product.sku = b.sku AND product.store_code IS NULL
    LEFT JOIN costs AS store ON store.store_code = b.store_code AND store.sku IS NULL
    LEFT JOIN costs AS everywhere ON everywhere.sku IS NULL AND everywhere.store_code IS NULL
    LEFT JOIN display AS d ON d.store_code = b.store_code AND d.sku = b.sku
)
SELECT
    r.store_code,
    r.sku,
    r.vendor_code,
    CAST(r.lead_time_days AS BIGINT) AS lead_time_days,
    CAST(r.review_period_days AS BIGINT) AS review_period_days,
    r.lead_time_sd_days,
    CAST(r.moq AS BIGINT) AS moq,
    CAST(r.pack_size AS BIGINT) AS pack_size,
    CAST(r.unit_cost AS DOUBLE) AS unit_cost,
    CAST(r.line.holding AS DOUBLE) AS holding_cost_per_unit_week,
    CAST(r.line.shortage AS DOUBLE) AS shortage_cost_per_unit,
    CAST(r.line.level AS DOUBLE) AS service_level,
    CAST(r.display_min AS BIGINT) AS display_min
FROM resolved AS r
