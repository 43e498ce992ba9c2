-- What was paid for an order made here, less what was given back, is between nothing and what the order comes to.
SELECT o.sales_order_id, o.status, o.total_amount, sum(CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END) AS paid
FROM sales_orders AS o
JOIN payments AS p USING (sales_order_id)
WHERE o.created_by IS NOT NULL
GROUP BY o.sales_order_id
HAVING
    sum(CASE p.kind WHEN 'refund' THEN -p.amount ELSE p.amount END)
    NOT BETWEEN 0 AND CASE o.status WHEN 'cancelled' THEN 0 ELSE coalesce(o.total_amount, 0) END
