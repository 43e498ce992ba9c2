-- One row per store, sku and first day (null = from ever).
SELECT
    s.store_code,
    p.sku,
    a.from_on,
    a.to_on,
    a.display_min
FROM raw.assortment AS a
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
