-- One row per order reference, store and sku with units still to come at as_of.
-- The ledger stands at the day the data are complete to. A run for a later day rolls it forward: what was due in between
-- is taken as received. An approved suggestion that was due before a statement has arrived, and is in it, or was never
-- ordered.
WITH stated AS (
    SELECT t.store_code, t.sku, max(t.as_of) AS stated_on
    FROM staging.stock_statements AS t
    CROSS JOIN staging.chain AS c
    WHERE t.as_of <= c.as_of
    GROUP BY t.store_code, t.sku
),
held AS (
    SELECT k.store_code, k.sku
    FROM marts.fct_stock_daily AS k
    WHERE k.to_on IS NULL
)
SELECT
    o.order_ref,
    o.store_code,
    o.sku,
    o.vendor_code,
    o.expected_on,
    o.quantity,
    o.is_suggestion,
    h.sku IS NOT NULL AND c.as_of > c.data_as_of AND o.expected_on < c.as_of AS is_taken_as_received
FROM staging.open_orders AS o
CROSS JOIN staging.chain AS c
LEFT JOIN stated AS t USING (store_code, sku)
LEFT JOIN held AS h USING (store_code, sku)
WHERE NOT o.is_suggestion OR coalesce(o.expected_on >= t.stated_on, TRUE)
