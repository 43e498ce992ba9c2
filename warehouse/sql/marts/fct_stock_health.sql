-- One row per store and sku with units on hand at as_of: is it dead, too old, too much?
-- Silent: no sale since silent_days days in stock, and that so long was less than 5 % likely had the pair gone on selling at
-- the rate it had until its last sale (over the 364 days before it, drawn towards the sku's chain rate as in
-- fct_pair_rates). Stale: on the shelf for longer than twice the months that a turn of 3 a year allows (243 days). Dead is
-- either; the flat rule, no sale in 90 days, stands beside it. Excess is what lies above the 99 % quantile of demand over
-- lead time, review and 90 days (normal, with the spread of the negative binomial, rounded up).
WITH held AS (
    SELECT i.store_code, i.sku, i.on_hand_qty, i.on_hand_qty + i.on_order_qty AS position_qty
    FROM marts.fct_inventory_position AS i
    WHERE i.on_hand_qty > 0
),
sales AS (
    SELECT f.store_code, f.sku, max(f.sold_on) AS last_sold_on
    FROM marts.fct_sales_daily AS f
    WHERE f.sold_qty > 0
    GROUP BY f.store_code, f.sku
),
sold AS (
    SELECT f.store_code, f.sku, sum(f.sold_qty) AS sold_qty
    FROM marts.fct_sales_daily AS f
    JOIN sales AS s USING (store_code, sku)
    WHERE f.sold_on > s.last_sold_on - 364
    GROUP BY f.store_code, f.sku
),
shelves AS (
    SELECT
        h.store_code,
        h.sku,
        min(s.from_on) AS first_held_on,
        sum(greatest(least(coalesce(s.to_on, c.as_of - 1), c.as_of - 1) - greatest(s.from_on, coalesce(l.last_sold_on + 1, s.from_on)) + 1, 0))
            AS silent_days,
        sum(greatest(least(coalesce(s.to_on, c.as_of - 1), l.last_sold_on) - greatest(s.from_on, l.last_sold_on - 363) + 1, 0))
            FILTER (WHERE l.last_sold_on IS NOT NULL) AS selling_days
    FROM held AS h
    JOIN marts.fct_stock_spans AS s USING (store_code, sku)
    CROSS JOIN staging.chain AS c
    LEFT JOIN sales AS l USING (store_code, sku)
    WHERE s.on_hand_qty > 0 AND s.from_on < c.as_of
    GROUP BY h.store_code, h.sku
),
layers AS (
    SELECT
        store_code,
        sku,
        sum(on_hand_qty) FILTER (WHERE age_days > 243) AS stale_qty,
        min(received_on) FILTER (WHERE on_hand_qty > 0) AS oldest_received_on
    FROM marts.fct_stock_layers
    GROUP BY store_code, sku
),
judged AS (
    SELECT
        h.*,
        k.unit_cost,
        k.is_cost_estimated,
        l.last_sold_on,
        CAST(coalesce(d.silent_days, 0) AS BIGINT) AS silent_days,
        -- (exposure / (exposure + silence)) ^ shape: nothing sold in the silence, the rate being gamma
        pow(
            (coalesce(d.selling_days, 0) + 3 / r.chain_rate) / (coalesce(d.selling_days, 0) + 3 / r.chain_rate + coalesce(d.silent_days, 0)),
            coalesce(s.sold_qty, 0) + 3
        ) AS silence_probability,
        least(coalesce(y.stale_qty, 0), h.on_hand_qty) AS stale_qty,
        y.oldest_received_on,
        coalesce(l.last_sold_on < c.as_of - 90, coalesce(d.first_held_on, c.as_of) < c.as_of - 90) AS is_unsold_90d,
        r.daily_rate,
        coalesce(t.lead_time_days, 0) + coalesce(t.review_period_days, 0) + 90 AS cover_days,
        ceil(
            r.daily_rate * cover_days + 2.326348 * sqrt(r.daily_rate * cover_days * (1 + cover_days / r.exposure_days))
        ) AS limit_qty
    FROM held AS h
    CROSS JOIN staging.chain AS c
    LEFT JOIN shelves AS d USING (store_code, sku)
    LEFT JOIN sales AS l USING (store_code, sku)
    LEFT JOIN sold AS s USING (store_code, sku)
    LEFT JOIN layers AS y USING (store_code, sku)
    LEFT JOIN marts.fct_pair_rates AS r USING (store_code, sku)
    LEFT JOIN marts.dim_supply_terms AS t USING (store_code, sku)
    LEFT JOIN (SELECT store_code, sku, unit_cost, is_cost_estimated FROM marts.fct_stock_spans WHERE to_on IS NULL) AS k
        USING (store_code, sku)
),
weighed AS (
    SELECT
        *,
        coalesce(silence_probability < 0.05, FALSE) AS is_silent,
        CASE WHEN is_silent THEN on_hand_qty ELSE stale_qty END AS dead_qty,
        CASE WHEN position_qty > limit_qty THEN least(position_qty - limit_qty, on_hand_qty) ELSE 0 END AS excess_qty
    FROM judged
)
SELECT
    store_code,
    sku,
    on_hand_qty,
    last_sold_on,
    oldest_received_on,
    silent_days,
    silence_probability,
    is_silent,
    CAST(stale_qty AS BIGINT) AS stale_qty,
    dead_qty > 0 AS is_dead,
    CAST(dead_qty AS BIGINT) AS dead_qty,
    is_unsold_90d,
    daily_rate,
    CAST(cover_days AS BIGINT) AS cover_days,
    CAST(limit_qty AS BIGINT) AS limit_qty,
    CAST(excess_qty AS BIGINT) AS excess_qty,
    unit_cost,
    coalesce(is_cost_estimated, FALSE) AS is_cost_estimated,
    CAST(on_hand_qty * unit_cost AS DECIMAL(18, 4)) AS cost_amount,
    CAST(dead_qty * unit_cost AS DECIMAL(18, 4)) AS dead_cost_amount,
    CAST(CASE WHEN is_unsold_90d THEN on_hand_qty ELSE 0 END * unit_cost AS DECIMAL(18, 4)) AS unsold_90d_cost_amount,
    CAST(excess_qty * unit_cost AS DECIMAL(18, 4)) AS excess_cost_amount
FROM weighed
