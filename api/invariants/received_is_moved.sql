-- What an order of this system's lines took in is what their receipts accepted, and what these moved onto the shelves.
WITH received AS (
    SELECT r.purchase_order_line_id, sum(r.accepted_qty) AS accepted, sum(r.rejected_qty) AS rejected,
        sum(coalesce(m.moved, 0)) AS moved
    FROM goods_receipt_lines AS r
    LEFT JOIN (
        SELECT reference_id, sum(quantity) AS moved
        FROM stock_moves JOIN stock_locations ON location_id = destination_location_id
        WHERE reference_type = 'goods_receipt_line' AND stock_locations.kind = 'store' AND stock_moves.kind = 'receipt'
        GROUP BY reference_id
    ) AS m ON m.reference_id = r.goods_receipt_line_id
    GROUP BY r.purchase_order_line_id
)
SELECT l.purchase_order_id, l.purchase_order_line_id, l.received_qty, r.accepted, r.moved, l.rejected_qty, r.rejected
FROM purchase_order_lines AS l
JOIN purchase_orders AS o USING (purchase_order_id)
LEFT JOIN received AS r USING (purchase_order_line_id)
WHERE o.created_by IS NOT NULL
    AND (
        l.received_qty <> coalesce(r.accepted, 0) OR l.received_qty <> coalesce(r.moved, 0)
        OR l.rejected_qty <> coalesce(r.rejected, 0)
        OR (l.state = 'open' AND l.open_qty <> l.ordered_qty - l.received_qty - l.cancelled_qty)
    )
