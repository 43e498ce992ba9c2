-- One row per day, store and sku with a sale or return before as_of; weekly history stands on the Monday of its week.
-- net_amount is null where no record of the row gave one, cost_amount where the product has no cost: nothing is guessed.
WITH sales AS (
    SELECT s.sold_on, s.store_code, s.sku, s.order_ref, s.sold_qty, s.returned_qty, s.net_amount
    FROM staging.sales AS s
    CROSS JOIN staging.chain AS c
    WHERE s.sold_on < c.as_of
),
-- totals are one row per key already: grouping them too would take four times as long on millions of rows
totals AS (SELECT * FROM sales WHERE order_ref IS NULL),
lines AS (
    SELECT
        sold_on,
        store_code,
        sku,
        sum(sold_qty) AS sold_qty,
        sum(returned_qty) AS returned_qty,
        sum(net_amount) AS net_amount
    FROM sales
    WHERE order_ref IS NOT NULL
    GROUP BY sold_on, store_code, sku
),
merged AS (
    SELECT
        sold_on,
        store_code,
        sku,
        CAST(coalesce(t.sold_qty, 0) + coalesce(l.sold_qty, 0) AS BIGINT) AS sold_qty,
        CAST(coalesce(t.returned_qty, 0) + coalesce(l.returned_qty, 0) AS BIGINT) AS returned_qty,
        CASE
            WHEN t.net_amount IS NULL THEN l.net_amount
            WHEN l.net_amount IS NULL THEN t.net_amount
            ELSE t.net_amount + l.net_amount
        END AS net_amount
    FROM totals AS t
    FULL JOIN lines AS l USING (sold_on, store_code, sku)
)
SELECT
    m.sold_on,
    m.store_code,
    m.sku,
    m.sold_qty,
    m.returned_qty,
    m.sold_qty - m.returned_qty AS net_qty,
    CAST(m.net_amount AS DECIMAL(18, 2)) AS net_amount,
    CAST((m.sold_qty - m.returned_qty) * p.unit_cost AS DECIMAL(18, 4)) AS cost_amount
FROM merged AS m
JOIN staging.products AS p USING (sku)
