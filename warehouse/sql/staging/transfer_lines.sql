-- One row per transfer and product, power or unit.
SELECT
    l.stock_transfer_line_id,
    l.stock_transfer_id,
    f.store_code AS from_store_code,
    t.store_code AS to_store_code,
    p.sku,
    r.status,
    CAST(timezone(c.timezone, r.shipped_at) AS DATE) AS shipped_on,
    CAST(timezone(c.timezone, r.received_at) AS DATE) AS received_on,
    l.requested_qty,
    l.approved_qty,
    l.shipped_qty,
    l.received_qty,
    l.damaged_qty,
    l.lost_qty
FROM raw.stock_transfer_lines AS l
JOIN raw.stock_transfers AS r USING (stock_transfer_id)
JOIN raw.stores AS f ON f.store_id = r.from_store_id
JOIN raw.stores AS t ON t.store_id = r.to_store_id
JOIN raw.products AS p USING (product_id)
CROSS JOIN raw.chain AS c
