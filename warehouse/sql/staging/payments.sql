-- One row per payment of an order, whatever became of the order; a refund is below zero.
SELECT
    m.payment_id,
    m.sales_order_id,
    s.store_code,
    CAST(timezone(c.timezone, m.received_at) AS DATE) AS received_on,
    m.method,
    m.kind,
    CAST(CASE WHEN m.kind = 'refund' THEN -m.amount ELSE m.amount END AS DECIMAL(14, 2)) AS amount
FROM raw.payments AS m
JOIN raw.sales_orders AS o USING (sales_order_id)
JOIN raw.stores AS s USING (store_id)
CROSS JOIN raw.chain AS c
