-- One row per store and sku with units on hand that are not free, or units on their way from another store.
-- Reserved: kept for a customer or an approved transfer. Promised: asked for by another store, which nothing reserves yet. In
-- transit: shipped to this store; where a suggestion asked for them it counts them as on order already, and they are none here.
WITH promised AS (
    SELECT l.from_store_code AS store_code, l.sku, sum(l.requested_qty) AS quantity
    FROM staging.transfer_lines AS l
    WHERE l.status = 'requested'
    GROUP BY l.from_store_code, l.sku
),
coming AS (
    SELECT
        l.to_store_code AS store_code,
        l.sku,
        sum(l.shipped_qty - l.received_qty - l.damaged_qty - l.lost_qty) AS quantity,
        max(l.shipped_on) AS shipped_on
    FROM staging.transfer_lines AS l
    ANTI JOIN staging.suggestions AS g
        ON g.store_code = l.to_store_code AND g.sku = l.sku AND g.kind = 'transfer' AND g.state IN ('approved', 'edited', 'ordered')
    WHERE l.status IN ('shipped', 'partially_received')
    GROUP BY l.to_store_code, l.sku
)
SELECT
    store_code,
    sku,
    CAST(coalesce(r.reserved_qty, 0) AS BIGINT) AS reserved_qty,
    CAST(coalesce(p.quantity, 0) AS BIGINT) AS promised_qty,
    CAST(coalesce(g.quantity, 0) AS BIGINT) AS in_transit_qty,
    g.shipped_on
FROM staging.reservations AS r
FULL JOIN promised AS p USING (store_code, sku)
FULL JOIN coming AS g USING (store_code, sku)
