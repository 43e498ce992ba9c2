-- One row per store, sku and span of days, both ends included; an open span has a null end.
SELECT
    s.store_code,
    p.sku,
    a.from_on,
    a.to_on,
    a.is_in_stock
FROM raw.availability AS a
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
