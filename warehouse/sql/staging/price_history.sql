-- One row per sku, store (null = every one) and span of days.
SELECT p.sku, s.store_code, h.valid_from_on, h.valid_to_on, h.unit_price, h.mrp
FROM raw.price_history AS h
JOIN raw.products AS p USING (product_id)
LEFT JOIN raw.stores AS s USING (store_id)
