-- One row per store, sku and month with a day on which the last unit on the shelf was sold: what was asked for beyond it.
-- How much more a day asks for once it has asked for k units (k = 1, 2, ...) is read off the days that began with more than
-- k, by category and speed of the pair (the estimator of Kaplan and Meier: the shelf censors demand), and drawn towards the
-- category with the weight of 10 days. Only where history is told by day. What was ordered for a customer leaves no shelf.
WITH ledger AS (SELECT store_code, sku, from_on, on_hand_qty FROM marts.fct_stock_daily),
days AS (
    SELECT
        f.store_code,
        f.sku,
        f.sold_on,
        p.category,
        CASE WHEN r.daily_rate > 0.2 THEN 2 WHEN r.daily_rate > 0.05 THEN 1 ELSE 0 END AS speed,
        o.on_hand_qty AS opening_qty,
        n.on_hand_qty AS next_qty,
        least(f.sold_qty, o.on_hand_qty - n.on_hand_qty) AS taken_qty
    FROM (SELECT store_code, sku, sold_on, sold_on + 1 AS next_on, sold_qty FROM marts.fct_sales_daily WHERE sold_qty > 0) AS f
    CROSS JOIN staging.chain AS c
    ASOF JOIN ledger AS o ON o.store_code = f.store_code AND o.sku = f.sku AND o.from_on <= f.sold_on
    ASOF JOIN ledger AS n ON n.store_code = f.store_code AND n.sku = f.sku AND n.from_on <= f.next_on
    JOIN marts.fct_pair_rates AS r ON r.store_code = f.store_code AND r.sku = f.sku
    JOIN staging.products AS p ON p.sku = f.sku
    WHERE c.sales_grain <> 'week' AND f.sold_on >= c.as_of - 400 AND o.on_hand_qty > 0 AND o.on_hand_qty > n.on_hand_qty
),
steps AS (
    SELECT
        d.category,
        d.speed,
        k.units,
        count(*) FILTER (WHERE d.taken_qty >= k.units AND d.opening_qty > k.units) AS began,
        count(*) FILTER (WHERE d.taken_qty > k.units) AS went_on
    FROM days AS d
    CROSS JOIN (SELECT unnest(range(1, 21)) AS units) AS k
    GROUP BY d.category, d.speed, k.units
),
shares AS (
    SELECT
        category,
        speed,
        units,
        sum(ln(greatest((went_on + 10 * pooled) / (began + 10), 1e-9))) OVER (PARTITION BY category, speed ORDER BY units) AS log_share
    FROM (
        SELECT
            *,
            CASE WHEN sum(began) OVER same >= 5 THEN sum(went_on) OVER same / sum(began) OVER same ELSE 0 END AS pooled
        FROM steps
        WINDOW same AS (PARTITION BY category, units)
    )
),
beyond AS (
    -- expected units beyond the first `units`, given that so many were asked for: the sum of the chances of one more each
    SELECT a.category, a.speed, a.units, sum(exp(b.log_share - coalesce(z.log_share, 0))) AS beyond_qty
    FROM shares AS a
    JOIN shares AS b ON b.category = a.category AND b.speed = a.speed AND b.units >= a.units
    LEFT JOIN shares AS z ON z.category = a.category AND z.speed = a.speed AND z.units = a.units - 1
    GROUP BY a.category, a.speed, a.units
)
SELECT
    d.store_code,
    d.sku,
    CAST(date_trunc('month', d.sold_on) AS DATE) AS month_on,
    CAST(count(*) AS BIGINT) AS last_days,
    sum(b.beyond_qty) AS beyond_qty
FROM days AS d
JOIN beyond AS b ON b.category = d.category AND b.speed = d.speed AND b.units = least(d.opening_qty, 20)
WHERE d.next_qty <= 0
GROUP BY d.store_code, d.sku, month_on
