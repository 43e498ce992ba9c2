-- One row per store, sku and stated opening.
SELECT
    s.store_code,
    p.sku,
    t.as_of,
    t.on_hand AS on_hand_qty
FROM raw.stock_statements AS t
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
