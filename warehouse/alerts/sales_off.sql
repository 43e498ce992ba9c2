-- One row per store whose net sales of yesterday lie 30 % or more off the mean of its last four such weekdays.
-- Days without trade are no such days: closed ones, and those whose sales are held back. Eight weeks are looked through,
-- and three such days must be found. A rise near a festival is expected.
WITH yesterday AS (
    SELECT CAST(c.as_of - 1 AS DATE) AS day_on, d.festival, c.currency
    FROM lake.staging.chain AS c
    LEFT JOIN lake.marts.dim_date AS d ON d.day_on = c.as_of - 1
),
before AS (
    SELECT s.store_code, s.net_amount, row_number() OVER (PARTITION BY s.store_code ORDER BY s.day_on DESC) AS nth
    FROM lake.marts.fct_store_days AS s
    CROSS JOIN yesterday AS y
    WHERE s.is_trading
        AND s.day_on < y.day_on
        AND s.day_on >= y.day_on - 56
        AND isodow(s.day_on) = isodow(y.day_on)
),
usual AS (
    SELECT store_code, avg(net_amount) AS net_amount, count(*) AS day_count
    FROM before
    WHERE nth <= 4
    GROUP BY store_code
    HAVING count(*) >= 3 AND avg(net_amount) > 0
),
off AS (
    SELECT s.store_code, s.day_on, s.net_amount, u.net_amount AS usual_amount, u.day_count,
        s.net_amount / u.net_amount - 1 AS off_share, y.currency
    FROM lake.marts.fct_store_days AS s
    JOIN yesterday AS y ON y.day_on = s.day_on
    JOIN usual AS u USING (store_code)
    WHERE s.is_trading AND (s.net_amount < u.net_amount OR y.festival IS NULL)
)
SELECT
    'SALES_OFF' AS kind,
    store_code,
    CAST(day_on AS VARCHAR) AS subject,
    CASE WHEN abs(off_share) >= 0.5 THEN 'severe' ELSE 'warn' END AS severity,
    abs(net_amount - usual_amount) AS at_stake_amount,
    format('Sales on {} were {:.0f} % {} usual', strftime(day_on, '%A'), abs(100 * off_share),
        CASE WHEN off_share < 0 THEN 'below' ELSE 'above' END) AS title,
    format('{} {:t,.0f} on {}; the last {} {}s with trade brought {} {:t,.0f} each.', currency, net_amount::DOUBLE,
        strftime(day_on, '%-d %B'), day_count, strftime(day_on, '%A'), currency, usual_amount) AS detail,
    'sales' AS view,
    to_json({'store': store_code, 'from': CAST(day_on AS VARCHAR), 'to': CAST(day_on AS VARCHAR)}) AS filters
FROM off
WHERE abs(off_share) >= 0.3
