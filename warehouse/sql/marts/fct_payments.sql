-- One row per payment before as_of: money that came in for an order, or went back below zero.
-- is_same_day says that its order was booked that day or later: what else came in pays an old balance. Credit is a promise.
SELECT
    m.payment_id,
    m.sales_order_id,
    m.store_code,
    m.received_on,
    m.method,
    m.kind,
    m.amount,
    m.method <> 'credit' AS is_money,
    o.booked_on AS order_booked_on,
    coalesce(o.booked_on >= m.received_on, TRUE) AS is_same_day
FROM staging.payments AS m
CROSS JOIN staging.chain AS c
LEFT JOIN staging.sales_orders AS o USING (sales_order_id)
WHERE m.received_on < c.as_of
