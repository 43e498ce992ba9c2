-- One row per store, category and day before as_of: units asked for, and those that the store's own shelves could serve.
-- Asked for: units booked of what has a ledger, and a unit for each visitor who left because it was not there. Served: as
-- many of the booked as lay there at the opening or came in that day; the rest was ordered for the customer.
WITH arrived AS (
    SELECT store_code, sku, moved_on, sum(quantity) AS quantity
    FROM staging.stock_moves
    WHERE quantity > 0 AND kind <> 'return'
    GROUP BY store_code, sku, moved_on
),
booked AS (
    SELECT
        f.store_code,
        p.category,
        f.sold_on AS day_on,
        f.sold_qty AS asked_qty,
        least(f.sold_qty, greatest(k.on_hand_qty, 0) + coalesce(a.quantity, 0)) AS served_qty,
        0 AS not_available_qty
    FROM marts.fct_sales_daily AS f
    JOIN staging.products AS p USING (sku)
    CROSS JOIN staging.chain AS c
    ASOF JOIN marts.fct_stock_daily AS k ON k.store_code = f.store_code AND k.sku = f.sku AND k.from_on <= f.sold_on
    LEFT JOIN arrived AS a ON a.store_code = f.store_code AND a.sku = f.sku AND a.moved_on = f.sold_on
    WHERE f.sold_qty > 0 AND c.sales_grain <> 'week'
    UNION ALL
    SELECT w.store_code, coalesce(w.category, 'unknown') AS category, w.walked_out_on, 1, 0, 1
    FROM staging.walkouts AS w
    CROSS JOIN staging.chain AS c
    WHERE w.reason = 'not_available' AND w.walked_out_on < c.as_of
)
SELECT
    store_code,
    category,
    day_on,
    CAST(sum(asked_qty) AS BIGINT) AS asked_qty,
    CAST(sum(served_qty) AS BIGINT) AS served_qty,
    CAST(sum(not_available_qty) AS BIGINT) AS not_available_qty
FROM booked
GROUP BY store_code, category, day_on
