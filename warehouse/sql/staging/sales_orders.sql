-- One row per customer order that counts: drafts and cancelled orders are none.
-- booked_on is the business day of the confirmation in the chain's timezone, delivered_on that of the delivery. An order
-- that came with a day alone was booked on it and, where it is delivered, delivered on it.
SELECT
    o.sales_order_id,
    o.order_ref,
    s.store_code,
    o.customer_id,
    o.patient_id,
    u.username AS salesperson,
    o.status,
    o.channel,
    o.kind,
    o.confirmed_at,
    coalesce(CAST(timezone(c.timezone, o.confirmed_at) AS DATE), o.ordered_on) AS booked_on,
    CASE
        WHEN o.delivered_at IS NOT NULL THEN CAST(timezone(c.timezone, o.delivered_at) AS DATE)
        WHEN o.invoiced_on IS NOT NULL THEN o.invoiced_on
        WHEN o.confirmed_at IS NULL AND o.status IN ('delivered', 'returned') THEN o.ordered_on
    END AS delivered_on,
    o.expected_on,
    o.place_of_supply,
    o.total_amount
FROM raw.sales_orders AS o
JOIN raw.stores AS s USING (store_id)
LEFT JOIN raw.users AS u ON u.user_id = o.salesperson_id
CROSS JOIN raw.chain AS c
WHERE o.status NOT IN ('draft', 'cancelled')
