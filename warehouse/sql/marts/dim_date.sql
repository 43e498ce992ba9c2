-- One row per day, from the Monday of the chain's first sale to a year after as_of.
WITH bounds AS (
    SELECT
        CAST(date_trunc('week', coalesce(min(f.sold_on), any_value(c.as_of))) AS DATE) AS first_on,
        any_value(c.as_of) AS as_of
    FROM staging.chain AS c
    LEFT JOIN marts.fct_sales_daily AS f ON TRUE
),
days AS (
    SELECT b.first_on + CAST(unnest(range(b.as_of - b.first_on + 366)) AS INTEGER) AS day_on, b.as_of
    FROM bounds AS b
)
SELECT
    day_on,
    CAST(date_trunc('week', day_on) AS DATE) AS week_starting_on,
    CAST(date_trunc('month', day_on) AS DATE) AS month_starting_on,
    CAST(date_trunc('quarter', day_on) AS DATE) AS quarter_starting_on,
    CAST(year(day_on) AS INTEGER) AS calendar_year,
    CAST(isodow(day_on) AS INTEGER) AS day_of_week,
    isodow(day_on) >= 6 AS is_weekend,
    day_on < as_of AS is_past
FROM days
