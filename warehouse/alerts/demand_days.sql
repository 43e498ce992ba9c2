-- One row per store, sku and week that is forecast: from which day until before which, and what a day of it sells.
-- The first week counts from as_of on.
SELECT
    store_code,
    sku,
    greatest(week_starting_on, as_of) AS from_on,
    CAST(week_starting_on + 7 AS DATE) AS until_on,
    mean_qty / date_diff('day', greatest(week_starting_on, as_of), CAST(week_starting_on + 7 AS DATE)) AS daily_qty
FROM lake.outputs.forecast_weekly
