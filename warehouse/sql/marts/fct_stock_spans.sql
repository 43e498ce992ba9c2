-- One row per store, sku and span of days through which stock, cost, range and presence stay the same.
-- All changes of a pair lie on one line of time and are read off once: the ledger's openings, its recorded costs, the days
-- it is ranged (in the assortment, launched, not discontinued, store open) and the days it was said to be there or not.
-- Out of stock = said so, or an empty opening without a sale on the day (weekly history: in the week). Only pairs whose
-- stock is known, by the ledger or by word, are ranged: nothing is known of the others.
WITH known AS (
    -- a number for each pair: sorting millions of changes by two texts takes three times as long
    SELECT store_code, sku, min(from_on) AS first_on, row_number() OVER (ORDER BY store_code, sku) AS pair_no
    FROM (
        SELECT store_code, sku, from_on FROM marts.fct_stock_daily
        UNION ALL
        SELECT store_code, sku, from_on FROM staging.availability
    )
    GROUP BY store_code, sku
),
carried AS (
    SELECT a.store_code, a.sku, a.from_on, a.to_on FROM staging.assortment AS a
    UNION ALL
    -- a chain without an assortment file carries what it keeps or says something of
    SELECT k.store_code, k.sku, NULL AS from_on, NULL AS to_on
    FROM known AS k
    WHERE NOT EXISTS (SELECT 1 FROM staging.assortment)
),
ranged AS (
    SELECT
        r.store_code,
        r.sku,
        greatest(r.from_on, k.first_on, p.launched_on, s.opened_on) AS from_on,
        least(r.to_on, p.discontinued_on - 1, s.closed_on - 1) AS to_on
    FROM carried AS r
    JOIN known AS k USING (store_code, sku)
    JOIN staging.products AS p USING (sku)
    JOIN staging.stores AS s USING (store_code)
    WHERE s.kind = 'store'
),
sold AS (
    SELECT f.store_code, f.sku, f.sold_on, CASE WHEN c.sales_grain = 'week' THEN 7 ELSE 1 END AS days
    FROM marts.fct_sales_daily AS f
    ASOF JOIN marts.fct_stock_daily AS k ON f.store_code = k.store_code AND f.sku = k.sku AND f.sold_on >= k.from_on
    CROSS JOIN staging.chain AS c
    WHERE f.sold_qty > 0 AND (k.on_hand_qty <= 0 OR c.sales_grain = 'week')
),
spans AS (
    SELECT store_code, sku, from_on, to_on, 1 AS ranged, 0 AS said_in, 0 AS said_out, 0 AS sold FROM ranged
    WHERE coalesce(from_on <= to_on, TRUE)
    UNION ALL
    SELECT store_code, sku, from_on, to_on, 0, CAST(is_in_stock AS INTEGER), CAST(NOT is_in_stock AS INTEGER), 0
    FROM staging.availability
    UNION ALL
    SELECT store_code, sku, sold_on, sold_on + CAST(days - 1 AS INTEGER), 0, 0, 0, 1 FROM sold
),
changes AS (
    SELECT store_code, sku, from_on AS day_on, ranged, said_in, said_out, sold, NULL AS on_hand_qty, NULL AS own_cost, NULL AS cost
    FROM spans
    UNION ALL
    SELECT store_code, sku, to_on + 1, -ranged, -said_in, -said_out, -sold, NULL, NULL, NULL FROM spans WHERE to_on IS NOT NULL
    UNION ALL
    SELECT store_code, sku, from_on, 0, 0, 0, 0, on_hand_qty, NULL, NULL FROM marts.fct_stock_daily
    UNION ALL
    SELECT k.store_code, k.sku, u.valid_from_on, 0, 0, 0, 0, NULL, NULL, u.unit_cost
    FROM known AS k
    JOIN staging.unit_costs AS u ON u.sku = k.sku AND u.store_code IS NULL
    UNION ALL
    SELECT store_code, sku, valid_from_on, 0, 0, 0, 0, NULL, unit_cost, NULL FROM staging.unit_costs WHERE store_code IS NOT NULL
    UNION ALL
    -- -1 says that the store's own cost ends, unless another one begins on that day
    SELECT store_code, sku, valid_to_on + 1, 0, 0, 0, 0, NULL, -1, NULL
    FROM staging.unit_costs
    WHERE store_code IS NOT NULL AND valid_to_on IS NOT NULL
),
days AS (
    SELECT
        k.pair_no,
        g.day_on,
        CAST(sum(g.ranged) AS INTEGER) AS ranged,
        CAST(sum(g.said_in) AS INTEGER) AS said_in,
        CAST(sum(g.said_out) AS INTEGER) AS said_out,
        CAST(sum(g.sold) AS INTEGER) AS sold,
        max(g.on_hand_qty) AS on_hand_qty,
        max(g.own_cost) AS own_cost,
        max(g.cost) AS cost
    FROM changes AS g
    JOIN known AS k USING (store_code, sku)
    CROSS JOIN staging.chain AS c
    WHERE g.day_on <= c.as_of
    GROUP BY k.pair_no, g.day_on
),
states AS (
    SELECT
        pair_no,
        day_on AS from_on,
        lead(day_on) OVER pair - 1 AS to_on,
        last_value(on_hand_qty IGNORE NULLS) OVER pair AS on_hand_qty,
        nullif(last_value(own_cost IGNORE NULLS) OVER pair, -1) AS own_cost,
        last_value(cost IGNORE NULLS) OVER pair AS chain_cost,
        sum(ranged) OVER pair > 0 AS is_ranged,
        sum(said_in) OVER pair > 0 AS is_said_in,
        sum(said_out) OVER pair > 0 AS is_said_out,
        sum(sold) OVER pair > 0 AS is_sold
    FROM days
    WINDOW pair AS (PARTITION BY pair_no ORDER BY day_on ROWS UNBOUNDED PRECEDING)
)
SELECT
    k.store_code,
    k.sku,
    t.from_on,
    t.to_on,
    t.on_hand_qty,
    CAST(coalesce(t.own_cost, t.chain_cost, p.unit_cost) AS DECIMAL(14, 4)) AS unit_cost,
    coalesce(t.own_cost, t.chain_cost) IS NULL AND p.unit_cost IS NOT NULL AS is_cost_estimated,
    t.is_ranged,
    t.is_ranged AND (t.is_said_out OR (NOT t.is_said_in AND NOT t.is_sold AND coalesce(t.on_hand_qty <= 0, FALSE)))
        AS is_out_of_stock
FROM states AS t
JOIN known AS k USING (pair_no)
JOIN staging.products AS p USING (sku)
WHERE t.on_hand_qty IS NOT NULL OR t.is_ranged
