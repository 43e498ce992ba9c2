-- One row per store and month with trade or a target, up to that of as_of: net sales beside the target, and where they lead.
-- A day that is still to come is expected to sell what its weekday sold on average over the last eight weeks; near a festival
-- times what the aligned day of the year before sold in the chain for what its weekday had sold in the eight weeks before.
WITH edge AS (
    SELECT c.as_of, d.aligned_on, d.month_starting_on AS month_on
    FROM staging.chain AS c
    JOIN marts.dim_date AS d ON d.day_on = c.as_of
),
sold AS (
    SELECT
        store_code,
        CAST(date_trunc('month', day_on) AS DATE) AS month_on,
        CAST(sum(net_amount) AS DECIMAL(14, 2)) AS actual_amount
    FROM marts.fct_store_days
    GROUP BY ALL
),
pace AS (
    SELECT f.store_code, isodow(f.day_on) AS day_of_week, sum(f.net_amount) / count(*) AS mean_amount
    FROM marts.fct_store_days AS f
    CROSS JOIN edge AS e
    WHERE f.day_on >= e.as_of - 56
    GROUP BY ALL
),
chain_days AS (SELECT day_on, sum(net_amount) AS net_amount FROM marts.fct_store_days GROUP BY day_on),
pace_before AS (
    SELECT isodow(d.day_on) AS day_of_week, sum(d.net_amount) / count(*) AS mean_amount
    FROM chain_days AS d
    CROSS JOIN edge AS e
    WHERE d.day_on >= e.aligned_on - 56 AND d.day_on < e.aligned_on
    GROUP BY ALL
),
to_come AS (
    SELECT
        d.day_on,
        e.month_on,
        CASE WHEN d.festival IS NOT NULL AND b.mean_amount > 0 THEN coalesce(a.net_amount / b.mean_amount, 1) ELSE 1 END AS lift
    FROM edge AS e
    JOIN marts.dim_date AS d ON d.day_on >= e.as_of AND d.month_starting_on = e.month_on
    LEFT JOIN chain_days AS a ON a.day_on = d.aligned_on
    LEFT JOIN pace_before AS b ON b.day_of_week = isodow(d.aligned_on)
),
expected AS (
    SELECT p.store_code, t.month_on, sum(CAST(p.mean_amount * t.lift AS DECIMAL(14, 2))) AS remaining_amount
    FROM to_come AS t
    JOIN pace AS p ON p.day_of_week = isodow(t.day_on)
    JOIN staging.stores AS s ON s.store_code = p.store_code AND coalesce(t.day_on < s.closed_on, TRUE)
    GROUP BY ALL
)
SELECT
    store_code,
    month_on,
    t.target_amount,
    CAST(coalesce(s.actual_amount, 0) AS DECIMAL(14, 2)) AS actual_amount,
    CAST(coalesce(x.remaining_amount, 0) AS DECIMAL(14, 2)) AS remaining_amount,
    CAST(coalesce(s.actual_amount, 0) + coalesce(x.remaining_amount, 0) AS DECIMAL(14, 2)) AS projected_amount
FROM sold AS s
FULL JOIN (SELECT t.* FROM marts.fct_targets AS t JOIN edge AS e ON t.month_on <= e.month_on) AS t USING (store_code, month_on)
FULL JOIN expected AS x USING (store_code, month_on)
