-- What was approved here has become one order's line or one transfer, for the quantity that was approved.
WITH became AS (
    SELECT suggestion_id, count(*) AS drafts, sum(ordered_qty) AS quantity
    FROM purchase_order_lines WHERE suggestion_id IS NOT NULL GROUP BY suggestion_id
    UNION ALL
    SELECT t.suggestion_id, count(DISTINCT t.stock_transfer_id), sum(coalesce(l.approved_qty, l.requested_qty))
    FROM stock_transfers AS t JOIN stock_transfer_lines AS l USING (stock_transfer_id)
    WHERE t.suggestion_id IS NOT NULL GROUP BY t.suggestion_id
)
SELECT g.suggestion_id, g.state, b.drafts, b.quantity, g.approved_qty
FROM suggestions AS g
JOIN users AS u ON u.username = g.decided_by
LEFT JOIN became AS b USING (suggestion_id)
WHERE g.decided_at IS NOT NULL AND g.state IN ('approved', 'edited')
    AND (b.drafts IS DISTINCT FROM 1 OR b.quantity <> g.approved_qty)
