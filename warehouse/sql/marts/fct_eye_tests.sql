-- One row per eye test before as_of, with the order that it is credited for.
-- An order credits the latest test of its customer that was completed before it and at most seven days ago; a test has the
-- first order that credits it, so that each is counted once. is_attributable says that the test's customer is known.
WITH tests AS (
    SELECT t.*, k.survivor_id
    FROM staging.eye_tests AS t
    CROSS JOIN staging.chain AS c
    LEFT JOIN staging.customers AS k USING (customer_id)
    WHERE t.tested_on < c.as_of
),
completed AS (
    -- two tests that ended in the same moment are one to the join: the later by key
    SELECT survivor_id, completed_at, max(eye_test_id) AS eye_test_id
    FROM tests
    WHERE state = 'completed' AND survivor_id IS NOT NULL
    GROUP BY survivor_id, completed_at
),
credited AS (
    SELECT
        t.eye_test_id,
        t.completed_at,
        o.sales_order_id,
        o.confirmed_at,
        o.net_amount
    FROM (SELECT * FROM marts.fct_orders WHERE confirmed_at IS NOT NULL AND customer_id IS NOT NULL) AS o
    ASOF JOIN completed AS t ON t.survivor_id = o.customer_id AND t.completed_at <= o.confirmed_at
    WHERE o.confirmed_at <= t.completed_at + INTERVAL 7 DAYS
    QUALIFY row_number() OVER (PARTITION BY t.eye_test_id ORDER BY o.confirmed_at, o.sales_order_id) = 1
)
SELECT
    t.eye_test_id,
    t.store_code,
    t.tested_on,
    t.optometrist,
    t.patient_id,
    t.survivor_id AS customer_id,
    t.state,
    t.outcome,
    t.state = 'completed' AS is_completed,
    t.survivor_id IS NOT NULL AS is_attributable,
    c.sales_order_id AS credited_order_id,
    c.sales_order_id IS NOT NULL AS is_converted,
    date_diff('second', c.completed_at, c.confirmed_at) / 86400.0 AS to_order_days,
    c.net_amount AS credited_amount
FROM tests AS t
LEFT JOIN credited AS c USING (eye_test_id)
