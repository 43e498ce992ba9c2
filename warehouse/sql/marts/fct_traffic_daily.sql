-- One row per store and day before as_of with visitors counted, orders or walkouts; walk_in_count is null where nobody counted.
-- An order without a customer counts as a customer of its own.
WITH orders AS (
    SELECT
        store_code,
        booked_on AS day_on,
        count(*) AS order_count,
        count(*) FILTER (WHERE is_walkout_recovery) AS recovered_count,
        count(DISTINCT customer_id) + count(*) FILTER (WHERE customer_id IS NULL) AS ordering_customers
    FROM marts.fct_orders
    GROUP BY store_code, booked_on
),
counts AS (
    SELECT w.store_code, w.counted_on AS day_on, w.walk_in_count
    FROM staging.walk_in_counts AS w
    CROSS JOIN staging.chain AS c
    -- on a day whose sales are held back nobody can tell what became of those who came
    ANTI JOIN checks.blocked_days AS x ON x.store_code = w.store_code AND x.day_on = w.counted_on
    WHERE w.counted_on < c.as_of
),
walkouts AS (
    SELECT store_code, walked_out_on AS day_on, count(*) AS walkout_count
    FROM marts.fct_walkouts
    GROUP BY store_code, walked_out_on
)
SELECT
    store_code,
    day_on,
    c.walk_in_count,
    c.walk_in_count IS NOT NULL AS is_counted,
    coalesce(o.ordering_customers, 0) AS ordering_customers,
    coalesce(o.order_count, 0) AS order_count,
    coalesce(o.recovered_count, 0) AS recovered_count,
    coalesce(w.walkout_count, 0) AS walkout_count
FROM counts AS c
FULL JOIN orders AS o USING (store_code, day_on)
FULL JOIN walkouts AS w USING (store_code, day_on)
