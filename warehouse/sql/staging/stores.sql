-- One row per store or warehouse.
SELECT
    store_code,
    name,
    kind,
    city,
    region,
    cluster,
    opened_on,
    closed_on
FROM raw.stores
