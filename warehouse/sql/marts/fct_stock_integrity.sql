-- One row per store and sku in the ledger: does it hold less than nothing, does it say what the last statement said?
WITH stated AS (
    SELECT t.store_code, t.sku, max(t.as_of) AS stated_on, arg_max(t.on_hand_qty, t.as_of) AS stated_qty
    FROM staging.stock_statements AS t
    CROSS JOIN staging.chain AS c
    WHERE t.as_of <= c.as_of
    GROUP BY t.store_code, t.sku
)
SELECT
    k.store_code,
    k.sku,
    k.on_hand_qty,
    t.stated_on,
    CAST(t.stated_qty AS BIGINT) AS stated_qty,
    l.on_hand_qty AS ledger_qty,
    k.on_hand_qty < 0 AS is_negative,
    coalesce(l.on_hand_qty <> t.stated_qty, FALSE) AS is_mismatched
FROM marts.fct_stock_daily AS k
LEFT JOIN stated AS t USING (store_code, sku)
ASOF LEFT JOIN marts.fct_stock_daily AS l ON l.store_code = k.store_code AND l.sku = k.sku AND l.from_on <= t.stated_on
WHERE k.to_on IS NULL
