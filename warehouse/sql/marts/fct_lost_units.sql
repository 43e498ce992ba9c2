-- One row per store, sku and month of the last thirteen with a day on which the pair was ranged.
-- Days missing, and the units they may have cost. What would have sold on a day out of stock is the pair's daily rate
-- (fct_pair_rates) x the month's index of its category: units sold there in the month over those that its days in stock would
-- sell at their rates, with 20 units added to both; and x what days so soon after a sale sell (fct_after_sale). Low and high
-- are the tenth and ninetieth percentile of the rate (normal). On the day the last unit goes more may be asked for
-- (fct_last_units). Some of it was sold as something else, or later: not all is lost.
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
sold AS (
    SELECT f.store_code, f.sku, CAST(date_trunc('month', f.sold_on) AS DATE) AS month_on, sum(f.sold_qty) AS sold_qty
    FROM marts.fct_sales_daily AS f
    ASOF JOIN (SELECT store_code, sku, from_on, is_out_of_stock FROM marts.fct_stock_spans) AS s
        ON s.store_code = f.store_code AND s.sku = f.sku AND s.from_on <= f.sold_on
    WHERE f.sold_on >= (SELECT min(month_at) FROM months) AND NOT s.is_out_of_stock
    GROUP BY f.store_code, f.sku, month_on
),
seasons AS (
    SELECT
        p.category,
        m.month_on,
        (coalesce(sum(f.sold_qty), 0) + 20) / (sum((m.ranged_days - m.out_of_stock_days) * coalesce(r.daily_rate, 0)) + 20) AS season
    FROM missing AS m
    JOIN staging.products AS p USING (sku)
    LEFT JOIN marts.fct_pair_rates AS r USING (store_code, sku)
    LEFT JOIN sold AS f USING (store_code, sku, month_on)
    GROUP BY p.category, m.month_on
),
lost AS (
    SELECT
        m.*,
        coalesce(r.daily_rate, 0) * e.season AS rate,
        coalesce(r.daily_rate * a.rate_factor, 0) * e.season AS rate_out,
        coalesce(1.281552 * r.daily_rate_sd * a.rate_factor, 0) * e.season AS spread,
        coalesce(l.beyond_qty, 0) AS beyond_qty
    FROM missing AS m
    JOIN staging.products AS p USING (sku)
    JOIN seasons AS e ON e.category = p.category AND e.month_on = m.month_on
    LEFT JOIN marts.fct_pair_rates AS r USING (store_code, sku)
    LEFT JOIN marts.fct_after_sale AS a USING (store_code, sku)
    LEFT JOIN marts.fct_last_units AS l ON l.store_code = m.store_code AND l.sku = m.sku AND l.month_on = m.month_on
)
SELECT
    store_code,
    sku,
    month_on,
    CAST(ranged_days AS BIGINT) AS ranged_days,
    CAST(out_of_stock_days AS BIGINT) AS out_of_stock_days,
    ranged_days * rate AS expected_qty,
    out_of_stock_days * rate_out AS lost_qty,
    out_of_stock_days * greatest(rate_out - spread, 0) AS lost_low_qty,
    out_of_stock_days * (rate_out + spread) AS lost_high_qty,
    beyond_qty
FROM lost
