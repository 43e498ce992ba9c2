-- One row: the chain, and the opening this build looks out from.
-- as_of lies in a table, not only in a variable: a reader of a pinned snapshot sees which day its figures speak of,
-- and whatever depends on the day says so by reading this table.
SELECT
    CAST(getvariable('as_of') AS DATE) AS as_of,
    as_of AS data_as_of,
    name,
    currency,
    timezone,
    sales_grain,
    unmet_demand
FROM raw.chain
