-- One row per purchase order, store and sku (and power, where lines are by power) that was sent to a vendor.
-- A statement of open orders may not say how much was ordered: then it is what came, what was called off and what is open.
SELECT
    l.purchase_order_line_id,
    o.order_ref,
    s.store_code,
    p.sku,
    v.vendor_code,
    o.status AS order_status,
    l.state,
    CAST(timezone(c.timezone, o.sent_at) AS DATE) AS sent_on,
    l.expected_on,
    l.closed_on,
    coalesce(l.ordered_qty, l.open_qty + l.received_qty + l.rejected_qty + l.cancelled_qty) AS ordered_qty,
    l.received_qty,
    l.rejected_qty,
    l.cancelled_qty,
    l.open_qty,
    l.unit_price
FROM raw.purchase_order_lines AS l
JOIN raw.purchase_orders AS o USING (purchase_order_id)
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
LEFT JOIN raw.vendors AS v USING (vendor_id)
CROSS JOIN raw.chain AS c
WHERE l.state <> 'draft'
