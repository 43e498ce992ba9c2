-- One row per store, sku and Monday: units asked for, from the series' begin to the last week that begins before as_of.
-- Demand is what was sold; returns are not taken off. A series begins at the product's launch, else at its first
-- availability, stock or sale; never before its store opened or the chain's own data begin. It ends with the product or the
-- store, or with its last sale after that. in_stock_share leaves out days on which the item could not be sold: said so by
-- availability, else by a ledger that opened the day empty and saw no sale, and days outside the series.
WITH evidence AS (
    SELECT store_code, sku, min(from_on) AS first_kept_on, CAST(NULL AS DATE) AS first_sold_on, CAST(NULL AS DATE) AS last_sold_on
    FROM (
        SELECT store_code, sku, from_on FROM staging.availability
        UNION ALL
        SELECT store_code, sku, from_on FROM marts.fct_stock_daily
    )
    GROUP BY store_code, sku
    UNION ALL
    SELECT store_code, sku, NULL, min(sold_on), max(sold_on)
    FROM marts.fct_sales_daily
    WHERE sold_qty > 0
    GROUP BY store_code, sku
),
known AS (
    SELECT
        a.store_code,
        a.sku,
        any_value(a.launched_on) AS launched_on,
        any_value(s.opened_on) AS opened_on,
        least(any_value(a.discontinued_on), any_value(s.closed_on)) AS ends_on,
        min(e.first_kept_on) AS first_kept_on,
        min(e.first_sold_on) AS first_sold_on,
        max(e.last_sold_on) AS last_sold_on
    FROM marts.dim_assortment AS a
    JOIN staging.stores AS s USING (store_code)
    LEFT JOIN evidence AS e USING (store_code, sku)
    GROUP BY a.store_code, a.sku
),
series AS (
    SELECT
        k.store_code,
        k.sku,
        greatest(coalesce(k.launched_on, least(k.first_kept_on, k.first_sold_on)), k.opened_on, f.data_from_on) AS begins_on,
        CASE
            WHEN k.ends_on < c.as_of
                THEN greatest(k.ends_on - 1, k.last_sold_on + CASE WHEN c.sales_grain = 'week' THEN 6 ELSE 0 END)
            ELSE c.as_of - 1
        END AS ended_on,
        least(ended_on, c.as_of - 1) AS last_on,
        -- a series that only a first sale began may well have been on the shelf the days before
        begins_on = k.first_sold_on
            AND k.launched_on IS NULL
            AND coalesce(k.first_kept_on > k.first_sold_on, TRUE)
            AND begins_on > f.data_from_on
            AND begins_on IS DISTINCT FROM k.opened_on AS is_begin_unknown,
        CAST(date_trunc('week', begins_on) AS DATE) AS first_week_on,
        c.as_of,
        c.sales_grain
    FROM known AS k
    CROSS JOIN staging.chain AS c
    CROSS JOIN (SELECT min(sold_on) AS data_from_on FROM marts.fct_sales_daily) AS f
    WHERE begins_on <= last_on
),
weeks AS (
    SELECT
        s.store_code,
        s.sku,
        s.first_week_on + 7 * CAST(unnest(range((s.last_on - s.first_week_on) // 7 + 1)) AS INTEGER) AS week_starting_on,
        s.begins_on,
        s.last_on,
        s.is_begin_unknown,
        s.as_of
    FROM series AS s
),
demand AS (
    SELECT
        store_code,
        sku,
        CAST(date_trunc('week', sold_on) AS DATE) AS week_starting_on,
        sum(sold_qty) AS demand_qty
    FROM marts.fct_sales_daily
    GROUP BY ALL
),
empty_days AS (
    SELECT e.store_code, e.sku, e.from_on + CAST(unnest(range(e.to_on - e.from_on + 1)) AS INTEGER) AS day_on
    FROM (
        SELECT
            k.store_code,
            k.sku,
            greatest(k.from_on, s.begins_on) AS from_on,
            least(coalesce(k.to_on, s.last_on), s.last_on) AS to_on
        FROM marts.fct_stock_daily AS k
        JOIN series AS s USING (store_code, sku)
        WHERE k.on_hand_qty <= 0
    ) AS e
    WHERE e.from_on <= e.to_on
),
unsold_days AS (
    SELECT e.store_code, e.sku, e.day_on
    FROM (
        -- weekly history cannot say on which day it sold: a sale stands for its whole week
        SELECT d.*, CASE WHEN c.sales_grain = 'week' THEN CAST(date_trunc('week', d.day_on) AS DATE) ELSE d.day_on END AS sold_on
        FROM empty_days AS d
        CROSS JOIN staging.chain AS c
    ) AS e
    ANTI JOIN (SELECT store_code, sku, sold_on FROM marts.fct_sales_daily WHERE sold_qty > 0) AS f USING (store_code, sku, sold_on)
),
said_days AS (
    SELECT a.store_code, a.sku, a.is_in_stock, a.from_on + CAST(unnest(range(a.to_on - a.from_on + 1)) AS INTEGER) AS day_on
    FROM (
        SELECT
            v.store_code,
            v.sku,
            v.is_in_stock,
            greatest(v.from_on, s.begins_on) AS from_on,
            least(coalesce(v.to_on, s.last_on), s.last_on) AS to_on
        FROM staging.availability AS v
        JOIN series AS s USING (store_code, sku)
    ) AS a
    WHERE a.from_on <= a.to_on
),
lost_days AS (
    SELECT store_code, sku, CAST(date_trunc('week', day_on) AS DATE) AS week_starting_on, count(DISTINCT day_on) AS days
    FROM (
        SELECT store_code, sku, day_on FROM said_days WHERE NOT is_in_stock
        UNION ALL
        -- a day whose sales cannot be believed was not observed
        SELECT s.store_code, s.sku, b.day_on
        FROM series AS s
        JOIN checks.blocked_days AS b ON b.store_code = s.store_code AND b.day_on BETWEEN s.begins_on AND s.last_on
        UNION ALL
        SELECT u.store_code, u.sku, u.day_on
        FROM unsold_days AS u
        ANTI JOIN (SELECT store_code, sku, day_on FROM said_days WHERE is_in_stock) AS a USING (store_code, sku, day_on)
    )
    GROUP BY ALL
)
SELECT
    w.store_code,
    w.sku,
    w.week_starting_on,
    CAST(coalesce(d.demand_qty, 0) AS DOUBLE) AS demand_qty,
    1 - least(
        coalesce(l.days, 0)
        + CASE WHEN w.is_begin_unknown THEN 0 ELSE greatest(w.begins_on - w.week_starting_on, 0) END
        + CASE WHEN w.last_on < w.as_of - 1 THEN greatest(w.week_starting_on + 6 - w.last_on, 0) ELSE 0 END,
        7
    ) / 7.0 AS in_stock_share,
    w.week_starting_on + 7 <= w.as_of AS is_complete
FROM weeks AS w
LEFT JOIN demand AS d USING (store_code, sku, week_starting_on)
LEFT JOIN lost_days AS l USING (store_code, sku, week_starting_on)
