-- One row per open store and feed that has been silent too long: sales for two days and more, the stock statement for a
-- week. At stake: a usual day's sales for each day that is missing; nothing can be put to an old statement.
WITH last_sold AS (
    SELECT
        s.store_code,
        max(s.day_on) FILTER (WHERE s.is_trading) AS last_on,
        avg(s.net_amount) FILTER (WHERE s.is_trading AND s.day_on >= c.as_of - 56) AS net_amount
    FROM lake.marts.fct_store_days AS s
    CROSS JOIN lake.staging.chain AS c
    GROUP BY s.store_code
),
stated AS (
    SELECT store_code, max(stated_on) AS last_on
    FROM lake.marts.fct_inventory_position
    GROUP BY store_code
),
feeds AS (
    SELECT
        store_code,
        'sales' AS feed,
        last_on,
        date_diff('day', last_on, c.as_of) - 1 AS silent_days,
        getvariable('warn_days') AS warn_days,
        coalesce(net_amount, 0) AS daily_amount
    FROM last_sold
    CROSS JOIN lake.staging.chain AS c
    UNION ALL
    SELECT store_code, 'stock', last_on, date_diff('day', last_on, c.as_of), getvariable('fail_days'), 0
    FROM stated
    CROSS JOIN lake.staging.chain AS c
)
SELECT
    'DATA' AS kind,
    f.store_code,
    concat('no ', f.feed) AS subject,
    CASE WHEN f.silent_days >= getvariable('fail_days') THEN 'severe' ELSE 'warn' END AS severity,
    f.daily_amount * f.silent_days AS at_stake_amount,
    format(CASE f.feed WHEN 'sales' THEN 'No sale has come in since {}' ELSE 'Stock was last stated on {}' END,
        strftime(f.last_on, '%a %-d %B')) AS title,
    CASE f.feed
        WHEN 'sales' THEN 'Was the store shut, or does its file not arrive? Until then it looks as if nothing was sold.'
        ELSE 'Orders rest on what was there then, less what was sold since. Send a new statement.'
    END AS detail,
    'quality' AS view,
    CAST('{}' AS JSON) AS filters
FROM feeds AS f
JOIN lake.marts.dim_store AS s USING (store_code)
WHERE s.is_open AND f.silent_days >= f.warn_days
