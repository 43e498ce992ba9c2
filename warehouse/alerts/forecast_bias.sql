-- One row per segment whose forecasts were too high or too low beyond noise, by outputs.forecast_alerts.
-- At stake is what was expected too much or too little in the weeks looked at, at the mean price of its category.
WITH weeks AS (
    SELECT a.segment, a.value AS bias_ratio, a.since_on, split_part(a.segment, ' / ', 1) AS category,
        count(*) AS week_count, sum(m.demand_qty) AS demand_qty, sum(m.mean_qty) AS mean_qty
    FROM lake.outputs.forecast_alerts AS a
    JOIN lake.outputs.forecast_monitor AS m ON m.segment = a.segment AND m.week_starting_on >= a.since_on
    WHERE a.alert = 'BIAS'
    GROUP BY ALL
),
sold AS (
    SELECT w.segment, CAST(sum(l.net_amount) AS DOUBLE) / nullif(sum(l.net_qty), 0) AS unit_price
    FROM weeks AS w
    JOIN lake.marts.dim_product AS p ON p.category = w.category OR w.category IN ('all', 'gone')
    JOIN lake.marts.fct_sales_lines AS l ON l.sku = p.sku AND l.booked_on >= w.since_on
    GROUP BY w.segment
)
SELECT
    'FORECAST_BIAS' AS kind,
    CAST(NULL AS VARCHAR) AS store_code,
    w.segment AS subject,
    CASE WHEN abs(w.bias_ratio) >= 0.25 THEN 'severe' ELSE 'warn' END AS severity,
    abs(w.mean_qty - w.demand_qty) * greatest(coalesce(s.unit_price, 0), 0) AS at_stake_amount,
    format('Forecasts of {} are {:.0f} % too {}', CASE w.segment WHEN 'all' THEN 'the whole chain' ELSE w.segment END,
        abs(100 * w.bias_ratio), CASE WHEN w.bias_ratio > 0 THEN 'high' ELSE 'low' END) AS title,
    format('{:.0f} units were expected in the last {} weeks, and {:.0f} asked for.', w.mean_qty, w.week_count,
        w.demand_qty) AS detail,
    'models' AS view,
    to_json({'segment': w.segment}) AS filters
FROM weeks AS w
LEFT JOIN sold AS s USING (segment)
