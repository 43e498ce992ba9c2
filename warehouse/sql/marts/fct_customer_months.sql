-- One row per customer and month, from that of the first order or eye test to that of as_of: how they stand at its end.
-- Of the month that as_of lies in, the end is as_of. Spans are whole months: 24 of them end with this one.
WITH events AS (
    SELECT customer_id, booked_on AS event_on, 1 AS orders, net_amount FROM marts.fct_orders WHERE customer_id IS NOT NULL
    UNION ALL
    SELECT customer_id, tested_on, 0, 0 FROM marts.fct_eye_tests WHERE is_completed AND customer_id IS NOT NULL
),
months AS (
    SELECT
        customer_id,
        CAST(date_trunc('month', event_on) AS DATE) AS month_on,
        CAST(sum(orders) AS INTEGER) AS orders,
        CAST(sum(net_amount) AS DECIMAL(14, 2)) AS net_amount
    FROM events
    GROUP BY ALL
),
grid AS (
    SELECT
        f.customer_id,
        CAST(unnest(generate_series(f.first_on, date_trunc('month', c.as_of - 1), INTERVAL 1 MONTH)) AS DATE) AS month_on
    FROM (SELECT customer_id, min(month_on) AS first_on FROM months GROUP BY customer_id) AS f
    CROSS JOIN staging.chain AS c
),
running AS (
    SELECT
        g.customer_id,
        g.month_on,
        CAST(coalesce(m.orders, 0) AS INTEGER) AS order_count,
        CAST(coalesce(sum(m.orders) OVER last_6, 0) AS INTEGER) AS orders_6_months,
        CAST(coalesce(sum(m.orders) OVER last_12, 0) AS INTEGER) AS orders_12_months,
        CAST(coalesce(sum(m.orders) OVER last_24, 0) AS INTEGER) AS orders_24_months,
        CAST(sum(m.orders) OVER ever AS INTEGER) AS orders_ever,
        CAST(coalesce(sum(m.net_amount) OVER ever, 0) AS DECIMAL(14, 2)) AS lifetime_amount,
        count(m.month_on) OVER last_24 AS months_seen
    FROM grid AS g
    LEFT JOIN months AS m USING (customer_id, month_on)
    WINDOW
        ever AS (PARTITION BY g.customer_id ORDER BY g.month_on ROWS UNBOUNDED PRECEDING),
        last_24 AS (PARTITION BY g.customer_id ORDER BY g.month_on ROWS 23 PRECEDING),
        last_12 AS (PARTITION BY g.customer_id ORDER BY g.month_on ROWS 11 PRECEDING),
        last_6 AS (PARTITION BY g.customer_id ORDER BY g.month_on ROWS 5 PRECEDING)
)
SELECT
    r.customer_id,
    r.month_on,
    c.store_code,
    r.order_count,
    r.orders_12_months,
    r.orders_24_months,
    r.orders_ever,
    r.lifetime_amount,
    r.orders_24_months > 0 AS is_active,
    r.orders_24_months >= 2 AS is_repeat,
    r.months_seen = 0 AS is_lapsed,
    r.orders_ever > 0 AND r.orders_6_months = 0 AND r.months_seen > 0 AS is_to_win_back,
    r.orders_24_months > r.orders_12_months AS is_of_year_before,
    r.orders_24_months > r.orders_12_months AND r.orders_12_months > 0 AS is_retained
FROM running AS r
JOIN marts.dim_customer AS c USING (customer_id)
