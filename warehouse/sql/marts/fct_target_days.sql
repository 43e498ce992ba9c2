-- One row per store and day of a month with a target: the day's part of it.
-- A month's target is spread over its days by what each weekday sold on average over the 52 weeks before as_of in the store,
-- over its days alike where the store has no such sales. The days of a month add up to its target to the last cent.
WITH sold AS (
    SELECT f.store_code, isodow(f.sold_on) AS day_of_week, sum(f.net_amount) AS net_amount
    FROM marts.fct_sales_daily AS f
    CROSS JOIN staging.chain AS c
    WHERE f.sold_on >= c.as_of - 364 AND f.sold_on < c.as_of AND c.sales_grain <> 'week'
    GROUP BY ALL
),
days AS (
    SELECT
        t.store_code,
        t.month_on,
        t.target_amount,
        t.walk_in_target,
        t.month_on + CAST(unnest(range(last_day(t.month_on) - t.month_on + 1)) AS INTEGER) AS day_on
    FROM marts.fct_targets AS t
),
weights AS (
    SELECT
        d.*,
        CASE
            WHEN bool_or(s.net_amount > 0) OVER month THEN greatest(coalesce(s.net_amount, 0), 0)
            ELSE 1
        END AS weight
    FROM days AS d
    LEFT JOIN sold AS s ON s.store_code = d.store_code AND s.day_of_week = isodow(d.day_on)
    WINDOW month AS (PARTITION BY d.store_code, d.month_on)
),
reached AS (
    SELECT
        w.*,
        round(w.target_amount * CAST(sum(w.weight) OVER upto / sum(w.weight) OVER month AS DECIMAL(18, 12)), 2) AS upto_amount
    FROM weights AS w
    WINDOW month AS (PARTITION BY w.store_code, w.month_on),
        upto AS (PARTITION BY w.store_code, w.month_on ORDER BY w.day_on)
)
SELECT
    r.store_code,
    r.day_on,
    r.month_on,
    CAST(
        r.upto_amount - coalesce(lag(r.upto_amount) OVER (PARTITION BY r.store_code, r.month_on ORDER BY r.day_on), 0) AS DECIMAL(14, 2)
    ) AS target_amount,
    r.day_on < c.as_of AS is_past
FROM reached AS r
CROSS JOIN staging.chain AS c
