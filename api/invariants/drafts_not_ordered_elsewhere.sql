-- To decide: What a chain folder says is ordered elsewhere is not in a draft here as well; take it out, or order twice.
SELECT o.order_ref, l.purchase_order_line_id, l.suggestion_id, g.state
FROM purchase_order_lines AS l
JOIN purchase_orders AS o USING (purchase_order_id)
JOIN suggestions AS g USING (suggestion_id)
WHERE l.state = 'draft' AND g.state NOT IN ('approved', 'edited')
