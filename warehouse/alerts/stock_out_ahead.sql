-- One row per store and sku of which at least one sale will be missed before an order placed now could be usable.
-- Forecast demand until that day, against what is on hand and due before it; at stake is what is missing, at its price.
-- What is to leave the range may run out.
WITH planned AS (
    SELECT *, date_diff('day', as_of, arrives_on) AS lead_days
    FROM lake.outputs.plan
    WHERE arrives_on > as_of
        AND reason NOT IN ('DISCONTINUED', 'OPTED_OUT', 'END_OF_RANGE', 'SUCCESSOR_FILLS_SLOT', 'NO_SLOT')
),
demand AS (
    SELECT p.store_code, p.sku,
        sum(d.daily_qty * greatest(0, date_diff('day', d.from_on, least(d.until_on, p.arrives_on)))) AS demand_qty
    FROM planned AS p
    JOIN demand_days AS d USING (store_code, sku)
    GROUP BY ALL
),
coming AS (
    SELECT p.store_code, p.sku, CAST(sum(a.quantity) AS BIGINT) AS coming_qty
    FROM planned AS p
    JOIN lake.marts.fct_arrivals AS a ON a.store_code = p.store_code AND a.sku = p.sku AND a.expected_on < p.arrives_on
    GROUP BY ALL
),
missing AS (
    SELECT p.*, d.demand_qty, coalesce(c.coming_qty, 0) AS coming_qty,
        d.demand_qty - p.on_hand - coalesce(c.coming_qty, 0) AS missing_qty,
        CAST(floor(greatest(p.on_hand, 0) / (d.demand_qty / p.lead_days)) AS BIGINT) AS days_left
    FROM planned AS p
    JOIN demand AS d USING (store_code, sku)
    LEFT JOIN coming AS c USING (store_code, sku)
    WHERE d.demand_qty - p.on_hand - coalesce(c.coming_qty, 0) >= 1
)
SELECT
    'STOCK_OUT_AHEAD' AS kind,
    m.store_code,
    m.sku AS subject,
    CASE WHEN m.days_left < 7 THEN 'severe' ELSE 'warn' END AS severity,
    m.missing_qty * coalesce(a.unit_price, 0) AS at_stake_amount,
    CASE
        WHEN m.on_hand <= 0 THEN concat('Out of stock: ', p.name)
        WHEN m.days_left < 1 THEN concat('Runs out today: ', p.name)
        ELSE format('Runs out in {} {}: {}', m.days_left, CASE m.days_left WHEN 1 THEN 'day' ELSE 'days' END, p.name)
    END AS title,
    format('{:.0f} should sell by {}, when an order placed now is there; {} on hand, {} due before.', m.demand_qty,
        strftime(m.arrives_on, '%-d %B'), m.on_hand, m.coming_qty) AS detail,
    'item' AS view,
    to_json({'store': m.store_code, 'sku': m.sku}) AS filters
FROM missing AS m
JOIN lake.marts.dim_product AS p USING (sku)
JOIN lake.marts.dim_assortment AS a ON a.store_code = m.store_code AND a.sku = m.sku
