-- One row per store and sku whose stock is known: on hand at the opening of as_of, before that day's receipts.
-- A run for a day that the ledger has not reached rolls it forward: less sales recorded since, plus orders that were due
-- since, never below 0. is_rolled_forward says that no statement was made for as_of itself. Reserved units are among those on
-- hand; units in transit, shipped by another store and not here yet, are not, nor are they on order.
WITH stated AS (
    SELECT t.store_code, t.sku, max(t.as_of) AS stated_on
    FROM staging.stock_statements AS t
    CROSS JOIN staging.chain AS c
    WHERE t.as_of <= c.as_of
    GROUP BY t.store_code, t.sku
),
unposted AS (
    SELECT s.store_code, s.sku, sum(s.sold_qty - s.returned_qty) AS quantity
    FROM staging.sales AS s
    CROSS JOIN staging.chain AS c
    WHERE s.sold_on >= c.data_as_of AND s.sold_on < c.as_of
    GROUP BY s.store_code, s.sku
),
ordered AS (
    SELECT
        o.store_code,
        o.sku,
        coalesce(sum(o.quantity) FILTER (WHERE o.is_taken_as_received), 0) AS received_qty,
        coalesce(sum(o.quantity) FILTER (WHERE NOT o.is_taken_as_received), 0) AS on_order_qty
    FROM marts.fct_open_orders AS o
    GROUP BY o.store_code, o.sku
),
coming AS (
    SELECT l.to_store_code AS store_code, l.sku, sum(l.shipped_qty - l.received_qty - l.damaged_qty - l.lost_qty) AS quantity
    FROM staging.transfer_lines AS l
    WHERE l.status IN ('shipped', 'partially_received')
    GROUP BY l.to_store_code, l.sku
)
SELECT
    k.store_code,
    k.sku,
    CAST(
        CASE
            WHEN c.as_of > c.data_as_of
                THEN greatest(k.on_hand_qty - coalesce(u.quantity, 0) + coalesce(o.received_qty, 0), 0)
            ELSE k.on_hand_qty
        END AS BIGINT
    ) AS on_hand_qty,
    CAST(coalesce(o.on_order_qty, 0) AS BIGINT) AS on_order_qty,
    CAST(coalesce(r.reserved_qty, 0) AS BIGINT) AS reserved_qty,
    CAST(coalesce(g.quantity, 0) AS BIGINT) AS in_transit_qty,
    t.stated_on,
    coalesce(t.stated_on < c.as_of, FALSE) AS is_rolled_forward
FROM marts.fct_stock_daily AS k
CROSS JOIN staging.chain AS c
LEFT JOIN stated AS t USING (store_code, sku)
LEFT JOIN unposted AS u USING (store_code, sku)
LEFT JOIN ordered AS o USING (store_code, sku)
LEFT JOIN staging.reservations AS r USING (store_code, sku)
LEFT JOIN coming AS g USING (store_code, sku)
WHERE k.to_on IS NULL
