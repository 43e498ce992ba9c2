-- One row per store, sku and batch with units on hand: those that will expire before they are sold, first expired first out.
-- What is on hand is of the batches that expire last, as the others left first. A unit is at risk when the units ahead of it
-- and itself take longer to sell, at the pair's daily rate, than its batch lasts; an expired batch is at risk whole.
WITH batches AS (
    SELECT
        r.store_code,
        r.sku,
        coalesce(r.batch_code, 'none') AS batch_code,
        r.expires_on,
        sum(r.accepted_qty) AS accepted_qty
    FROM staging.receipt_lines AS r
    CROSS JOIN staging.chain AS c
    WHERE r.expires_on IS NOT NULL AND r.accepted_qty > 0 AND r.accepted_on < c.as_of
    GROUP BY ALL
),
later AS (
    SELECT
        b.*,
        k.on_hand_qty,
        sum(b.accepted_qty) OVER (
            PARTITION BY b.store_code, b.sku ORDER BY b.expires_on DESC, b.batch_code DESC ROWS UNBOUNDED PRECEDING
        ) - b.accepted_qty AS later_qty
    FROM batches AS b
    JOIN marts.fct_inventory_position AS k USING (store_code, sku)
),
kept AS (
    SELECT store_code, sku, batch_code, expires_on, least(on_hand_qty - later_qty, accepted_qty) AS batch_qty
    FROM later
    WHERE on_hand_qty > later_qty
),
queued AS (
    SELECT
        k.*,
        sum(k.batch_qty) OVER (
            PARTITION BY k.store_code, k.sku ORDER BY k.expires_on, k.batch_code ROWS UNBOUNDED PRECEDING
        ) AS upto_qty,
        greatest(k.expires_on - c.as_of, 0) AS days_left,
        coalesce(r.daily_rate, 0) AS daily_rate,
        s.unit_cost
    FROM kept AS k
    CROSS JOIN staging.chain AS c
    LEFT JOIN marts.fct_pair_rates AS r USING (store_code, sku)
    LEFT JOIN (SELECT store_code, sku, unit_cost FROM marts.fct_stock_spans WHERE to_on IS NULL) AS s USING (store_code, sku)
),
risks AS (
    SELECT *, least(greatest(upto_qty - floor(daily_rate * days_left), 0), batch_qty) AS risk_qty
    FROM queued
)
SELECT
    r.store_code,
    r.sku,
    r.batch_code,
    r.expires_on,
    CAST(r.batch_qty AS BIGINT) AS batch_qty,
    r.daily_rate,
    CAST(r.risk_qty AS BIGINT) AS risk_qty,
    r.expires_on < c.as_of AS is_expired,
    CAST(r.risk_qty * r.unit_cost AS DECIMAL(18, 4)) AS risk_cost_amount
FROM risks AS r
CROSS JOIN staging.chain AS c
