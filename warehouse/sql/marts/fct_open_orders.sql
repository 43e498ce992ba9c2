-- One row per order reference, store and sku with units still to come at as_of.
-- Where the last stock statement is older than as_of it is rolled forward, and what was due since then is taken as
-- received. An approved suggestion due before a statement has either arrived, and is in it, or was never ordered.
WITH stated AS (
    SELECT t.store_code, t.sku, max(t.as_of) AS stated_on
    FROM staging.stock_statements AS t
    CROSS JOIN staging.chain AS c
    WHERE t.as_of <= c.as_of
    GROUP BY t.store_code, t.sku
)
SELECT
    o.order_ref,
    o.store_code,
    o.sku,
    o.vendor_code,
    o.expected_on,
    o.quantity,
    o.is_suggestion,
    coalesce(t.stated_on < c.as_of AND o.expected_on < c.as_of, FALSE) AS is_taken_as_received
FROM staging.open_orders AS o
CROSS JOIN staging.chain AS c
LEFT JOIN stated AS t USING (store_code, sku)
WHERE NOT o.is_suggestion OR coalesce(o.expected_on >= t.stated_on, TRUE)
