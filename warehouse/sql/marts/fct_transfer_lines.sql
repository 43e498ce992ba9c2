-- One row per transfer and product, power or unit that left a store: what arrived in good order, and after how many days.
SELECT
    l.stock_transfer_line_id,
    l.from_store_code AS store_code,
    l.to_store_code,
    l.sku,
    l.shipped_on,
    CASE WHEN l.received_on < c.as_of THEN l.received_on END AS received_on,
    CAST(l.requested_qty AS BIGINT) AS requested_qty,
    CAST(l.shipped_qty AS BIGINT) AS shipped_qty,
    CAST(l.received_qty AS BIGINT) AS received_qty,
    CAST(l.damaged_qty AS BIGINT) AS damaged_qty,
    CAST(l.lost_qty AS BIGINT) AS lost_qty,
    CAST(l.shipped_qty - l.received_qty - l.damaged_qty - l.lost_qty AS BIGINT) AS in_transit_qty,
    l.status = 'received' AS is_closed,
    CASE WHEN l.received_on < c.as_of THEN CAST(l.received_on - l.shipped_on AS BIGINT) END AS transit_days
FROM staging.transfer_lines AS l
CROSS JOIN staging.chain AS c
WHERE l.shipped_qty > 0 AND l.shipped_on < c.as_of
