-- One row per stock move and store whose shelves it touches: onto them positive, off them negative.
-- What is in transit, in a lab or put aside lies in a store too, but not where it can be sold.
SELECT
    m.stock_move_id,
    s.store_code,
    p.sku,
    m.moved_on,
    m.kind,
    m.quantity,
    m.unit_cost,
    m.reference
FROM raw.stock_moves AS m
JOIN raw.stock_locations AS l ON l.location_id = m.destination_location_id
JOIN raw.stores AS s ON s.store_id = l.store_id AND l.kind = 'store'
JOIN raw.products AS p ON p.product_id = m.product_id
UNION ALL
SELECT
    m.stock_move_id,
    s.store_code,
    p.sku,
    m.moved_on,
    m.kind,
    -m.quantity AS quantity,
    m.unit_cost,
    m.reference
FROM raw.stock_moves AS m
JOIN raw.stock_locations AS l ON l.location_id = m.source_location_id
JOIN raw.stores AS s ON s.store_id = l.store_id AND l.kind = 'store'
JOIN raw.products AS p ON p.product_id = m.product_id
