-- The amounts of an order made here are the sums of its lines'.
SELECT o.sales_order_id, o.total_amount, sum(l.line_total) AS lines
FROM sales_orders AS o
LEFT JOIN sales_order_lines AS l USING (sales_order_id, ordered_on)
WHERE o.created_by IS NOT NULL AND o.total_amount IS NOT NULL
GROUP BY o.sales_order_id
HAVING
    o.total_amount <> coalesce(sum(l.line_total), 0)
    OR o.taxable_amount <> coalesce(sum(l.net_amount), 0)
    OR o.tax_amount <> coalesce(sum(l.tax_amount), 0)
    OR o.discount_amount <> coalesce(sum(l.discount_amount), 0)
