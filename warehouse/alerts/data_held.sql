-- One row per store-day of the last 90 days that no figure counts, and per store with pairs that get no order.
-- At stake: what a day with trade brings the store, and what the pairs are expected to sell in four weeks.
WITH usual AS (
    SELECT s.store_code, avg(s.net_amount) AS net_amount
    FROM lake.marts.fct_store_days AS s
    CROSS JOIN lake.staging.chain AS c
    WHERE s.is_trading AND s.day_on >= c.as_of - 28
    GROUP BY s.store_code
),
days AS (
    SELECT
        b.store_code,
        concat('sales of ', b.day_on) AS subject,
        coalesce(u.net_amount, 0) AS at_stake_amount,
        format('Sales of {} are in no figure', strftime(b.day_on, '%a %-d %B')) AS title,
        'They are missing, or came twice. Send the day again, or say that it stands.' AS detail
    FROM lake.checks.blocked_days AS b
    CROSS JOIN lake.staging.chain AS c
    LEFT JOIN usual AS u USING (store_code)
    WHERE b.day_on >= c.as_of - 90
),
pairs AS (
    SELECT
        b.store_code,
        'stock not believed' AS subject,
        coalesce(sum(d.daily_qty * greatest(0, date_diff('day', d.from_on, least(d.until_on, c.as_of + 28)))
            * a.unit_price), 0) AS at_stake_amount,
        count(DISTINCT b.sku) AS pair_count
    FROM lake.checks.blocked_pairs AS b
    CROSS JOIN lake.staging.chain AS c
    LEFT JOIN demand_days AS d USING (store_code, sku)
    LEFT JOIN lake.marts.dim_assortment AS a USING (store_code, sku)
    GROUP BY b.store_code
),
held AS (
    FROM days
    UNION ALL
    SELECT store_code, subject, at_stake_amount,
        format('{} {} no order until counted', pair_count, CASE pair_count WHEN 1 THEN 'item gets' ELSE 'items get' END),
        'The ledger and the shelf disagree. Count them; then they are ordered again.'
    FROM pairs
)
SELECT 'DATA' AS kind, store_code, subject, 'severe' AS severity, at_stake_amount, title, detail, 'quality' AS view,
    CAST('{}' AS JSON) AS filters
FROM held
