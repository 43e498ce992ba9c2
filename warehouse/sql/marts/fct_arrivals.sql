-- One row per store, sku and day with units due; what is due on or before as_of is usable at that opening.
SELECT
    o.store_code,
    o.sku,
    o.expected_on,
    CAST(sum(o.quantity) AS BIGINT) AS quantity
FROM marts.fct_open_orders AS o
WHERE NOT o.is_taken_as_received
GROUP BY o.store_code, o.sku, o.expected_on
