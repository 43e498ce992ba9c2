-- One row per customer and fiscal year with orders before as_of: how often, and in which price band on average.
WITH years AS (
    SELECT
        o.customer_id,
        d.fiscal_year_starting_on,
        d.fiscal_year,
        count(*) AS order_count,
        avg(o.band_number) AS mean_band
    FROM marts.fct_orders AS o
    JOIN marts.dim_date AS d ON d.day_on = o.booked_on
    WHERE o.customer_id IS NOT NULL
    GROUP BY ALL
)
SELECT
    y.customer_id,
    c.store_code,
    y.fiscal_year_starting_on,
    y.fiscal_year,
    y.order_count,
    y.mean_band,
    b.mean_band AS mean_band_before,
    b.mean_band IS NOT NULL AND y.mean_band IS NOT NULL AS is_repeat,
    coalesce(y.mean_band > b.mean_band, FALSE) AS has_risen
FROM years AS y
JOIN marts.dim_customer AS c USING (customer_id)
LEFT JOIN years AS b
    ON b.customer_id = y.customer_id AND b.fiscal_year_starting_on = y.fiscal_year_starting_on - INTERVAL 1 YEAR
