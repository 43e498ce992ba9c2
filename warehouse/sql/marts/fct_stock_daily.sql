-- One row per store, sku and span of days whose openings had the same stock; to_on is null while it still is so.
-- Spans, not days: stock changes on few days, so days would be twenty times the rows and say no more. The stock of a
-- day is the span with from_on <= day <= coalesce(to_on, day).
WITH days AS (
    SELECT m.store_code, m.sku, m.moved_on, m.quantity FROM staging.stock_moves AS m
    UNION ALL
    -- a first statement of 0 units posts no move, yet from then on the stock is known
    SELECT t.store_code, t.sku, t.as_of - 1 AS moved_on, 0 AS quantity FROM staging.stock_statements AS t
),
running AS (
    SELECT
        d.store_code,
        d.sku,
        d.moved_on + 1 AS from_on,
        CAST(sum(sum(d.quantity)) OVER (PARTITION BY d.store_code, d.sku ORDER BY d.moved_on) AS BIGINT) AS on_hand_qty
    FROM days AS d
    CROSS JOIN staging.chain AS c
    WHERE d.moved_on < c.as_of
    GROUP BY d.store_code, d.sku, d.moved_on
),
changes AS (
    SELECT r.store_code, r.sku, r.from_on, r.on_hand_qty
    FROM running AS r
    QUALIFY r.on_hand_qty IS DISTINCT FROM lag(r.on_hand_qty) OVER (PARTITION BY r.store_code, r.sku ORDER BY r.from_on)
)
SELECT
    c.store_code,
    c.sku,
    c.from_on,
    lead(c.from_on) OVER (PARTITION BY c.store_code, c.sku ORDER BY c.from_on) - 1 AS to_on,
    c.on_hand_qty
FROM changes AS c
