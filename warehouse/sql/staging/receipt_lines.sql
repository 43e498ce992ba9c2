-- One row per receipt of goods, order line and batch.
SELECT
    l.goods_receipt_line_id,
    r.receipt_number,
    l.purchase_order_line_id,
    s.store_code,
    p.sku,
    r.state,
    r.received_on,
    CASE WHEN r.state = 'accepted' THEN coalesce(CAST(timezone(c.timezone, r.accepted_at) AS DATE), r.received_on) END AS accepted_on,
    l.received_qty,
    CASE WHEN r.state = 'accepted' THEN l.accepted_qty ELSE 0 END AS accepted_qty,
    l.rejected_qty,
    l.reason,
    l.batch_code,
    l.expires_on,
    l.unit_cost
FROM raw.goods_receipt_lines AS l
JOIN raw.goods_receipts AS r USING (goods_receipt_id)
JOIN raw.purchase_order_lines AS o USING (purchase_order_line_id)
JOIN raw.stores AS s ON s.store_id = r.store_id
JOIN raw.products AS p ON p.product_id = o.product_id
CROSS JOIN raw.chain AS c
WHERE r.state <> 'draft'
