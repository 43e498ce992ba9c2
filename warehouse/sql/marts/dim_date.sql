-- One row per day, from the Monday of the chain's first sale to a year after as_of.
-- A fiscal year is named by its two calendar years and begins in the month of the setting fiscal_year_first_month, April.
-- aligned_on is the day of the year before that lies the same way to the nearest festival, from six weeks before it to three
-- after; elsewhere the same weekday, 364 days earlier.
WITH bounds AS (
    SELECT
        CAST(date_trunc('week', coalesce(min(f.sold_on), any_value(c.as_of))) AS DATE) AS first_on,
        any_value(c.as_of) AS as_of
    FROM staging.chain AS c
    LEFT JOIN marts.fct_sales_daily AS f ON TRUE
),
fiscal AS (
    SELECT coalesce(CAST(any_value(s.value) AS INTEGER), 4) AS starts_month
    FROM staging.chain AS c
    LEFT JOIN staging.chain_settings AS s ON s.key = 'fiscal_year_first_month'
),
days AS (
    SELECT
        b.first_on + CAST(unnest(range(b.as_of - b.first_on + 366)) AS INTEGER) AS day_on,
        b.as_of,
        f.starts_month
    FROM bounds AS b
    CROSS JOIN fiscal AS f
),
years AS (
    SELECT
        *,
        CAST(
            make_date(year(day_on) - CASE WHEN month(day_on) < starts_month THEN 1 ELSE 0 END, starts_month, 1) AS DATE
        ) AS fiscal_year_starting_on
    FROM days
),
festivals AS (
    SELECT
        f.festival,
        f.day_on AS festival_on,
        lag(f.day_on) OVER (PARTITION BY f.festival ORDER BY f.day_on) AS festival_before_on
    FROM marts.dim_festival AS f
),
aligned AS (
    SELECT d.day_on, f.festival, f.festival_before_on, d.day_on - f.festival_on AS festival_lead
    FROM days AS d
    JOIN festivals AS f ON d.day_on BETWEEN f.festival_on - 42 AND f.festival_on + 21
    QUALIFY row_number() OVER (PARTITION BY d.day_on ORDER BY abs(d.day_on - f.festival_on), f.festival_on, f.festival) = 1
)
SELECT
    y.day_on,
    CAST(date_trunc('week', y.day_on) AS DATE) AS week_starting_on,
    CAST(date_trunc('month', y.day_on) AS DATE) AS month_starting_on,
    CAST(date_trunc('quarter', y.day_on) AS DATE) AS quarter_starting_on,
    CAST(year(y.day_on) AS INTEGER) AS calendar_year,
    CAST(isodow(y.day_on) AS INTEGER) AS day_of_week,
    isodow(y.day_on) >= 6 AS is_weekend,
    y.day_on < y.as_of AS is_past,
    y.fiscal_year_starting_on,
    CASE
        WHEN y.starts_month = 1 THEN strftime(y.fiscal_year_starting_on, 'FY%Y')
        ELSE strftime(y.fiscal_year_starting_on, 'FY%y-')
            || strftime(y.fiscal_year_starting_on + INTERVAL 1 YEAR, '%y')
    END AS fiscal_year,
    a.festival,
    CAST(a.festival_lead AS INTEGER) AS festival_lead_days,
    CAST(coalesce(a.festival_before_on + CAST(a.festival_lead AS INTEGER), y.day_on - 364) AS DATE) AS aligned_on
FROM years AS y
LEFT JOIN aligned AS a USING (day_on)
