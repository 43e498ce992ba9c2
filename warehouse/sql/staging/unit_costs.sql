-- One row per sku, store (null = every one) and first day of a cost.
SELECT
    p.sku,
    s.store_code,
    c.valid_from_on,
    c.valid_to_on,
    c.unit_cost
FROM raw.cost_history AS c
JOIN raw.products AS p USING (product_id)
LEFT JOIN raw.stores AS s USING (store_id)
