-- One row per sku and store, each null for every one.
SELECT
    p.sku,
    s.store_code,
    t.holding_cost_per_unit_week,
    t.shortage_cost_per_unit,
    t.service_level
FROM raw.cost_terms AS t
LEFT JOIN raw.products AS p USING (product_id)
LEFT JOIN raw.stores AS s USING (store_id)
