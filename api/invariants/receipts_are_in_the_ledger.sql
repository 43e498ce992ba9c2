-- What a receipt made here accepted is what the ledger put on the shelves by it; its order's line has received no less.
-- One of an order from elsewhere, of which nothing moved, is history that an import brought: its moves name no document.
WITH made_here AS (
    SELECT r.goods_receipt_id
    FROM goods_receipts AS r
    JOIN purchase_orders AS p USING (purchase_order_id)
    WHERE r.state = 'accepted' AND (
        p.created_by IS NOT NULL
        OR EXISTS (
            SELECT FROM goods_receipt_lines AS l
            JOIN stock_moves AS m ON m.reference_type = 'goods_receipt_line' AND m.reference_id = l.goods_receipt_line_id
            WHERE l.goods_receipt_id = r.goods_receipt_id
        )
    )
)
SELECT r.goods_receipt_id, l.goods_receipt_line_id, l.accepted_qty, coalesce(sum(m.quantity), 0) AS moved_qty
FROM made_here AS r
JOIN goods_receipt_lines AS l USING (goods_receipt_id)
LEFT JOIN stock_moves AS m
    ON m.reference_type = 'goods_receipt_line' AND m.reference_id = l.goods_receipt_line_id AND m.kind = 'receipt'
    AND EXISTS (SELECT FROM stock_locations AS p WHERE p.location_id = m.destination_location_id AND p.kind = 'store')
    AND NOT EXISTS (SELECT FROM stock_move_reversals AS v WHERE v.reversed_move_id = m.stock_move_id)
GROUP BY r.goods_receipt_id, l.goods_receipt_line_id, l.accepted_qty
HAVING l.accepted_qty <> coalesce(sum(m.quantity), 0)
UNION ALL
SELECT max(r.goods_receipt_id), max(l.goods_receipt_line_id), sum(l.accepted_qty), o.received_qty
FROM made_here AS r
JOIN goods_receipt_lines AS l USING (goods_receipt_id)
JOIN purchase_order_lines AS o USING (purchase_order_line_id)
GROUP BY o.purchase_order_line_id, o.received_qty
HAVING o.received_qty < sum(l.accepted_qty)
