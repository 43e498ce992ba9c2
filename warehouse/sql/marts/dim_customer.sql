-- One row per customer who survives duplicates: what they bought before as_of and whether they are about to be lost.
-- Gaps are days between order days; a VIP has spent the amount of the setting vip_amount (100000) in three orders or more, and
-- is overdue past the median of their own gaps: high by 90 days or half a gap.
WITH people AS (
    SELECT
        survivor_id AS customer_id,
        any_value(customer_pseudonym) FILTER (WHERE customer_id = survivor_id) AS customer_pseudonym,
        any_value(kind) FILTER (WHERE customer_id = survivor_id) AS kind,
        any_value(home_store_code) FILTER (WHERE customer_id = survivor_id) AS home_store_code,
        CAST(count(*) AS INTEGER) AS record_count
    FROM staging.customers
    GROUP BY survivor_id
),
order_days AS (
    SELECT
        customer_id,
        booked_on,
        booked_on - lag(booked_on) OVER (PARTITION BY customer_id ORDER BY booked_on) AS gap_days
    FROM marts.fct_orders
    WHERE customer_id IS NOT NULL
    GROUP BY customer_id, booked_on
),
gaps AS (SELECT customer_id, median(gap_days) AS median_gap_days FROM order_days GROUP BY customer_id),
bought AS (
    SELECT
        customer_id,
        count(*) AS order_count,
        CAST(coalesce(sum(net_amount), 0) AS DECIMAL(14, 2)) AS lifetime_amount,
        min(booked_on) AS first_order_on,
        max(booked_on) AS last_order_on,
        arg_max(store_code, struct_pack(day := booked_on, id := sales_order_id)) AS last_store_code
    FROM marts.fct_orders
    WHERE customer_id IS NOT NULL
    GROUP BY customer_id
),
tested AS (SELECT customer_id, max(tested_on) AS last_test_on FROM marts.fct_eye_tests WHERE is_completed GROUP BY customer_id),
setting AS (
    SELECT coalesce(CAST(any_value(s.value) AS DECIMAL(14, 2)), 100000) AS vip_amount, any_value(c.as_of) AS as_of
    FROM staging.chain AS c
    LEFT JOIN staging.chain_settings AS s ON s.key = 'vip_amount'
),
known AS (
    SELECT
        p.*,
        coalesce(p.home_store_code, b.last_store_code) AS store_code,
        coalesce(b.order_count, 0) AS order_count,
        coalesce(b.lifetime_amount, 0) AS lifetime_amount,
        b.first_order_on,
        b.last_order_on,
        t.last_test_on,
        g.median_gap_days,
        CAST(s.as_of - b.last_order_on AS INTEGER) AS recency_days,
        coalesce(b.lifetime_amount >= s.vip_amount AND b.order_count >= 3, FALSE) AS is_vip,
        greatest(recency_days - g.median_gap_days, 0) AS overdue_days
    FROM people AS p
    CROSS JOIN setting AS s
    LEFT JOIN bought AS b USING (customer_id)
    LEFT JOIN tested AS t USING (customer_id)
    LEFT JOIN gaps AS g USING (customer_id)
)
SELECT
    k.customer_id,
    k.customer_pseudonym,
    k.kind,
    k.store_code,
    k.record_count,
    k.order_count,
    k.lifetime_amount,
    k.first_order_on,
    k.last_order_on,
    k.last_test_on,
    k.recency_days,
    k.median_gap_days,
    k.overdue_days,
    CAST(CASE WHEN k.order_count > 0 THEN ntile(5) OVER (
        PARTITION BY k.order_count > 0 ORDER BY k.recency_days DESC, k.customer_id
    ) END AS INTEGER) AS recency_score,
    CAST(CASE WHEN k.order_count > 0 THEN ntile(5) OVER (
        PARTITION BY k.order_count > 0 ORDER BY k.order_count, k.customer_id
    ) END AS INTEGER) AS frequency_score,
    CAST(CASE WHEN k.order_count > 0 THEN ntile(5) OVER (
        PARTITION BY k.order_count > 0 ORDER BY k.lifetime_amount, k.customer_id
    ) END AS INTEGER) AS monetary_score,
    k.is_vip,
    CASE
        WHEN NOT k.is_vip THEN NULL
        WHEN k.overdue_days > 90 OR k.overdue_days > 0.5 * k.median_gap_days THEN 'high'
        WHEN k.overdue_days > 0 THEN 'overdue'
        ELSE 'none'
    END AS churn_risk
FROM known AS k
