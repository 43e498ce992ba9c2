-- Nothing lies in transit but what open transfers sent.
SELECT b.location_id, b.product_id, b.lens_cell_id, b.stock_unit_id, b.on_hand, coalesce(o.on_the_way, 0) AS on_the_way
FROM stock_balances AS b
JOIN stock_locations AS p ON p.location_id = b.location_id AND p.kind = 'transit'
LEFT JOIN (
    SELECT t.to_store_id, l.product_id, l.lens_cell_id, l.stock_unit_id,
        sum(l.shipped_qty - l.received_qty - l.damaged_qty - l.lost_qty) AS on_the_way
    FROM stock_transfers AS t
    JOIN stock_transfer_lines AS l USING (stock_transfer_id)
    WHERE t.status IN ('shipped', 'partially_received')
    GROUP BY t.to_store_id, l.product_id, l.lens_cell_id, l.stock_unit_id
) AS o
    ON o.to_store_id = p.store_id AND o.product_id = b.product_id
    AND o.lens_cell_id IS NOT DISTINCT FROM b.lens_cell_id AND o.stock_unit_id IS NOT DISTINCT FROM b.stock_unit_id
WHERE b.on_hand <> coalesce(o.on_the_way, 0)
