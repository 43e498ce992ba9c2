-- One row per store, sku and month of the last thirteen with a day on which the pair was ranged: days missing, and what they
-- may have cost. What would have sold on a day out of stock is the pair's daily rate (fct_pair_rates), low and high the
-- tenth and ninetieth percentile of that rate (normal). Some of it was sold as something else, or later: not all is lost.
WITH months AS (
    SELECT CAST(date_trunc('month', c.as_of - 1) AS DATE) - to_months(CAST(n.months_ago AS INTEGER)) AS month_at, c.as_of
    FROM staging.chain AS c
    CROSS JOIN (SELECT unnest(range(13)) AS months_ago) AS n
),
spans AS (
    SELECT
        s.store_code,
        s.sku,
        CAST(m.month_at AS DATE) AS month_on,
        s.is_out_of_stock,
        least(coalesce(s.to_on, m.as_of - 1), last_day(m.month_at), m.as_of - 1) - greatest(s.from_on, CAST(m.month_at AS DATE)) + 1
            AS days
    FROM marts.fct_stock_spans AS s
    JOIN months AS m ON s.from_on <= last_day(m.month_at) AND coalesce(s.to_on >= m.month_at, TRUE)
    WHERE s.is_ranged AND s.from_on < m.as_of
),
missing AS (
    SELECT
        store_code,
        sku,
        month_on,
        sum(days) AS ranged_days,
        coalesce(sum(days) FILTER (WHERE is_out_of_stock), 0) AS out_of_stock_days
    FROM spans
    GROUP BY store_code, sku, month_on
),
prices AS (
    SELECT f.sku, sum(f.net_amount) / nullif(sum(f.net_qty) FILTER (WHERE f.net_amount IS NOT NULL), 0) AS unit_price
    FROM marts.fct_sales_daily AS f
    CROSS JOIN staging.chain AS c
    WHERE f.sold_on >= c.as_of - 364
    GROUP BY f.sku
)
SELECT
    m.store_code,
    m.sku,
    m.month_on,
    CAST(m.ranged_days AS BIGINT) AS ranged_days,
    CAST(m.out_of_stock_days AS BIGINT) AS out_of_stock_days,
    m.ranged_days * coalesce(r.daily_rate, 0) AS expected_qty,
    m.out_of_stock_days * coalesce(r.daily_rate, 0) AS lost_qty,
    CAST(m.out_of_stock_days * coalesce(r.daily_rate, 0) * coalesce(q.unit_price, p.unit_price) AS DECIMAL(18, 2)) AS lost_amount,
    CAST(
        m.out_of_stock_days * greatest(coalesce(r.daily_rate - 1.281552 * r.daily_rate_sd, 0), 0) * coalesce(q.unit_price, p.unit_price)
        AS DECIMAL(18, 2)
    ) AS lost_low_amount,
    CAST(
        m.out_of_stock_days * coalesce(r.daily_rate + 1.281552 * r.daily_rate_sd, 0) * coalesce(q.unit_price, p.unit_price)
        AS DECIMAL(18, 2)
    ) AS lost_high_amount
FROM missing AS m
JOIN staging.products AS p USING (sku)
LEFT JOIN marts.fct_pair_rates AS r USING (store_code, sku)
LEFT JOIN prices AS q USING (sku)
