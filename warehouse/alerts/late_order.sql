-- One row per store and purchase order with lines past their promised day.
-- At stake are the sales of the next four weeks that what is on hand cannot serve, as far as the late units would.
WITH late AS (
    SELECT l.order_ref, l.store_code, l.sku, l.vendor_code, l.open_qty, l.expected_on,
        date_diff('day', l.expected_on, c.as_of) AS late_days, CAST(c.as_of + 28 AS DATE) AS until_on
    FROM lake.marts.fct_purchase_lines AS l
    CROSS JOIN lake.staging.chain AS c
    WHERE l.is_open AND l.open_qty > 0 AND l.expected_on < c.as_of
),
pairs AS (
    SELECT DISTINCT store_code, sku, until_on FROM late
),
demand AS (
    SELECT p.store_code, p.sku,
        sum(d.daily_qty * greatest(0, date_diff('day', d.from_on, least(d.until_on, p.until_on)))) AS demand_qty
    FROM pairs AS p
    JOIN demand_days AS d USING (store_code, sku)
    GROUP BY ALL
),
orders AS (
    SELECT
        l.order_ref,
        l.store_code,
        any_value(coalesce(v.name, l.vendor_code, 'no vendor')) AS vendor,
        count(*) AS line_count,
        CAST(sum(l.open_qty) AS BIGINT) AS open_qty,
        min(l.expected_on) AS expected_on,
        max(l.late_days) AS late_days,
        sum(least(l.open_qty, greatest(0, coalesce(d.demand_qty, 0) - greatest(coalesce(i.on_hand_qty, 0), 0)))
            * coalesce(a.unit_price, 0)) AS at_stake_amount
    FROM late AS l
    LEFT JOIN demand AS d USING (store_code, sku)
    LEFT JOIN lake.marts.fct_inventory_position AS i USING (store_code, sku)
    LEFT JOIN lake.marts.dim_assortment AS a USING (store_code, sku)
    LEFT JOIN lake.marts.dim_vendor AS v ON v.vendor_code = l.vendor_code
    GROUP BY l.order_ref, l.store_code
)
SELECT
    'LATE_ORDER' AS kind,
    store_code,
    order_ref AS subject,
    CASE WHEN late_days >= 14 THEN 'severe' ELSE 'warn' END AS severity,
    at_stake_amount,
    format('{} of {} is {} {} late', order_ref, vendor, late_days, CASE late_days WHEN 1 THEN 'day' ELSE 'days' END)
        AS title,
    format('{} {} to come in {} {}, promised for {}.', open_qty, CASE open_qty WHEN 1 THEN 'unit' ELSE 'units' END,
        line_count, CASE line_count WHEN 1 THEN 'line' ELSE 'lines' END, strftime(expected_on, '%-d %B')) AS detail,
    'vendors' AS view,
    to_json({'store': store_code}) AS filters
FROM orders
