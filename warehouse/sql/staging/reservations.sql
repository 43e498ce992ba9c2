-- One row per store and sku with units on the shelves that are kept for somebody.
SELECT
    s.store_code,
    p.sku,
    CAST(sum(r.quantity) AS BIGINT) AS reserved_qty
FROM raw.stock_reservations AS r
JOIN raw.stock_locations AS l USING (location_id)
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
WHERE r.state = 'active' AND l.kind = 'store'
GROUP BY s.store_code, p.sku
