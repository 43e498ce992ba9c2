-- One row per order with something still to be paid at as_of: how much, and since when it is due.
-- Due on the day the order was promised for, else on the day it was booked. Credit that was granted pays nothing; goods that
-- came back take their amount off.
WITH paid AS (
    SELECT m.sales_order_id, sum(m.amount) AS amount
    FROM staging.payments AS m
    CROSS JOIN staging.chain AS c
    WHERE m.method <> 'credit' AND m.received_on < c.as_of
    GROUP BY m.sales_order_id
),
returned AS (
    SELECT l.sales_order_id, sum(l.gross_amount) AS amount
    FROM staging.sales_lines AS l
    CROSS JOIN staging.chain AS c
    WHERE l.record = 'return_line' AND l.booked_on < c.as_of
    GROUP BY l.sales_order_id
),
balances AS (
    SELECT
        o.sales_order_id,
        o.order_ref,
        o.store_code,
        o.booked_on,
        coalesce(o.expected_on, o.booked_on) AS due_on,
        o.total_amount,
        CAST(coalesce(p.amount, 0) AS DECIMAL(14, 2)) AS paid_amount,
        CAST(o.total_amount - coalesce(p.amount, 0) + coalesce(r.amount, 0) AS DECIMAL(14, 2)) AS balance_amount
    FROM staging.sales_orders AS o
    CROSS JOIN staging.chain AS c
    LEFT JOIN paid AS p USING (sales_order_id)
    LEFT JOIN returned AS r USING (sales_order_id)
    WHERE o.booked_on < c.as_of
)
SELECT
    b.sales_order_id,
    b.order_ref,
    b.store_code,
    b.booked_on,
    b.due_on,
    b.total_amount,
    b.paid_amount,
    b.balance_amount,
    CAST(c.as_of - b.due_on AS BIGINT) AS overdue_days,
    CASE
        WHEN b.due_on >= c.as_of THEN 'not due'
        WHEN c.as_of - b.due_on <= 30 THEN '1-30'
        WHEN c.as_of - b.due_on <= 60 THEN '31-60'
        WHEN c.as_of - b.due_on <= 90 THEN '61-90'
        ELSE 'over 90'
    END AS age_band
FROM balances AS b
CROSS JOIN staging.chain AS c
WHERE b.balance_amount > 0
