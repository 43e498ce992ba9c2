-- What left stock for a line of an order made here is its quantity once it is delivered, and nothing before.
-- Services, and lenses made to order, are kept on no shelf: of them nothing leaves.
WITH sold AS (
    SELECT reference_id AS sales_order_line_id, sum(quantity) AS moved
    FROM stock_moves
    WHERE reference_type = 'sales_order_line' AND kind = 'sale'
    GROUP BY reference_id
)
SELECT o.sales_order_id, l.sales_order_line_id, o.status, l.quantity, coalesce(s.moved, 0) AS moved
FROM sales_orders AS o
JOIN sales_order_lines AS l USING (sales_order_id, ordered_on)
JOIN products AS p USING (product_id)
JOIN categories AS c ON c.code = p.category
LEFT JOIN sold AS s USING (sales_order_line_id)
WHERE
    o.created_by IS NOT NULL
    AND coalesce(s.moved, 0) <> CASE
        WHEN o.status NOT IN ('delivered', 'returned') THEN 0
        WHEN c.kind IN ('service', 'eye_test') OR (c.kind = 'lens' AND l.lens_cell_id IS NULL) THEN 0
        ELSE l.quantity
    END
