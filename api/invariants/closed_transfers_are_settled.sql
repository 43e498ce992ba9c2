-- Of a transfer, what is received is at most what was shipped, which is at most what was approved; closed, all is settled.
SELECT t.stock_transfer_id, l.stock_transfer_line_id, t.status
FROM stock_transfers AS t
JOIN stock_transfer_lines AS l USING (stock_transfer_id)
WHERE
    l.received_qty + l.damaged_qty + l.lost_qty > l.shipped_qty
    OR l.shipped_qty > coalesce(l.approved_qty, 0)
    OR l.approved_qty > l.requested_qty
    OR (t.status = 'received' AND l.received_qty + l.damaged_qty + l.lost_qty <> l.shipped_qty)
    OR (t.status IN ('requested', 'approved', 'rejected', 'cancelled') AND l.shipped_qty <> 0)
