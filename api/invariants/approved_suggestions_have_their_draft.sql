-- What was approved here has become one line of an order or of a transfer, for the quantity that was approved.
WITH became AS (
    SELECT suggestion_id, count(*) AS drafts, sum(ordered_qty) AS quantity
    FROM purchase_order_lines WHERE suggestion_id IS NOT NULL GROUP BY suggestion_id
    UNION ALL
    SELECT suggestion_id, count(DISTINCT stock_transfer_id), sum(coalesce(approved_qty, requested_qty))
    FROM stock_transfer_lines WHERE suggestion_id IS NOT NULL GROUP BY suggestion_id
)
SELECT g.suggestion_id, g.state, b.drafts, b.quantity, g.approved_qty
FROM suggestions AS g
JOIN users AS u ON u.username = g.decided_by
LEFT JOIN became AS b USING (suggestion_id)
WHERE g.decided_at IS NOT NULL AND g.state IN ('approved', 'edited')
    AND (b.drafts IS DISTINCT FROM 1 OR b.quantity <> g.approved_qty)
