-- No more of a line came back than was sold, and what was credited for it is at most what it came to.
SELECT r.sales_order_line_id, l.quantity, sum(r.quantity) AS returned
FROM sales_return_lines AS r
JOIN sales_order_lines AS l USING (sales_order_line_id, ordered_on)
GROUP BY r.sales_order_line_id, l.quantity, l.net_amount, l.tax_amount
HAVING
    sum(r.quantity) > l.quantity
    OR sum(r.taxable_amount) > l.net_amount
    OR sum(r.tax_amount) > l.tax_amount
