-- One row per store, sku and month of the last thirteen with a day on which the pair was ranged.
-- What it may have cost that it was missing: units lost (fct_lost_units) at the mean price of the sku in the year before
-- as_of, else at its price today. A table of its own: a corrected amount leaves the units as they are.
WITH prices AS (
    SELECT f.sku, sum(f.net_amount) / nullif(sum(f.net_qty) FILTER (WHERE f.net_amount IS NOT NULL), 0) AS unit_price
    FROM marts.fct_sales_daily AS f
    CROSS JOIN staging.chain AS c
    WHERE f.sold_on >= c.as_of - 364
    GROUP BY f.sku
)
SELECT
    u.store_code,
    u.sku,
    u.month_on,
    u.ranged_days,
    u.out_of_stock_days,
    u.expected_qty,
    u.lost_qty,
    u.beyond_qty,
    CAST((u.lost_qty + u.beyond_qty) * coalesce(q.unit_price, p.unit_price) AS DECIMAL(18, 2)) AS lost_amount,
    CAST((u.lost_low_qty + u.beyond_qty) * coalesce(q.unit_price, p.unit_price) AS DECIMAL(18, 2)) AS lost_low_amount,
    CAST((u.lost_high_qty + u.beyond_qty) * coalesce(q.unit_price, p.unit_price) AS DECIMAL(18, 2)) AS lost_high_amount
FROM marts.fct_lost_units AS u
JOIN staging.products AS p USING (sku)
LEFT JOIN prices AS q USING (sku)
