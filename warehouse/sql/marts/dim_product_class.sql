-- One row per sku that was sold in the 364 days before as_of or is ranged at as_of: how much it matters, how it sells.
-- ABC by gross margin of those days over the chain (by revenue where the sku's cost is unknown): A up to 80 % of the sum, B
-- up to 95 %, C the rest; N was launched, or first sold, in the last 90 days. XYZ by the variation of thirteen four-week
-- demands of the chain, each divided by how its category did in those weeks: below 0.5 X, up to 1 Y, above Z. SBC by weekly
-- demand of the chain: mean gap (1.32) and squared variation of the sizes (0.49), the bound itself belonging to the higher.
WITH chain AS (SELECT as_of, as_of - 364 AS since_on FROM staging.chain),
first_sales AS (SELECT sku, min(sold_on) AS first_sold_on FROM marts.fct_sales_daily WHERE sold_qty > 0 GROUP BY sku),
sums AS (
    SELECT
        f.sku,
        sum(f.net_amount - coalesce(f.cost_amount, 0)) AS margin_amount,
        sum(f.sold_qty) AS sold_qty
    FROM marts.fct_sales_daily AS f
    CROSS JOIN chain AS c
    WHERE f.sold_on >= c.since_on
    GROUP BY f.sku
),
items AS (
    SELECT
        p.sku,
        p.category,
        CAST(coalesce(s.margin_amount, 0) AS DECIMAL(18, 4)) AS margin_amount,
        coalesce(s.sold_qty, 0) AS sold_qty,
        coalesce(p.launched_on, f.first_sold_on) > c.as_of - 90 AS is_new
    FROM staging.products AS p
    CROSS JOIN chain AS c
    LEFT JOIN sums AS s USING (sku)
    LEFT JOIN first_sales AS f USING (sku)
    LEFT JOIN (SELECT DISTINCT sku FROM marts.fct_stock_spans WHERE to_on IS NULL AND is_ranged) AS k USING (sku)
    WHERE s.sku IS NOT NULL OR k.sku IS NOT NULL
),
ranked AS (
    SELECT
        *,
        -- the share of those above it: the sku that crosses a bound still belongs to the higher class
        (sum(greatest(margin_amount, 0)) OVER (ORDER BY margin_amount DESC, sku ROWS UNBOUNDED PRECEDING) - greatest(margin_amount, 0))
            / nullif(sum(greatest(margin_amount, 0)) OVER (), 0) AS above_share
    FROM items
),
monthly AS (
    SELECT f.sku, (f.sold_on - c.since_on) // 28 AS number, sum(f.sold_qty) AS demand_qty
    FROM marts.fct_sales_daily AS f
    CROSS JOIN chain AS c
    WHERE f.sold_on >= c.since_on
    GROUP BY f.sku, (f.sold_on - c.since_on) // 28
),
months AS (
    SELECT i.sku, i.category, n.number, coalesce(m.demand_qty, 0) AS demand_qty
    FROM items AS i
    CROSS JOIN (SELECT unnest(range(13)) AS number) AS n
    LEFT JOIN monthly AS m ON m.sku = i.sku AND m.number = n.number
),
seasons AS (
    SELECT
        category,
        number,
        sum(demand_qty) / nullif(avg(sum(demand_qty)) OVER (PARTITION BY category), 0) AS season_index
    FROM months
    GROUP BY category, number
),
steady AS (
    SELECT m.sku, stddev_pop(m.demand_qty / nullif(s.season_index, 0)) / nullif(avg(m.demand_qty / nullif(s.season_index, 0)), 0) AS variation
    FROM months AS m
    JOIN seasons AS s USING (category, number)
    GROUP BY m.sku
),
weeks AS (
    SELECT f.sku, (f.sold_on - c.since_on) // 7 AS number, sum(f.sold_qty) AS demand_qty
    FROM marts.fct_sales_daily AS f
    CROSS JOIN chain AS c
    WHERE f.sold_on >= c.since_on AND f.sold_qty > 0
    GROUP BY f.sku, number
),
gaps AS (
    SELECT
        w.sku,
        count(*) AS demand_weeks,
        (52 - any_value(greatest((coalesce(p.launched_on, c.since_on) - c.since_on) // 7, 0))) / count(*) AS mean_gap_weeks,
        pow(coalesce(stddev_pop(w.demand_qty), 0) / avg(w.demand_qty), 2) AS size_variation
    FROM weeks AS w
    JOIN staging.products AS p USING (sku)
    CROSS JOIN chain AS c
    GROUP BY w.sku
)
SELECT
    r.sku,
    CASE
        WHEN r.is_new THEN 'N'
        WHEN r.margin_amount <= 0 OR r.above_share IS NULL OR r.above_share >= 0.95 THEN 'C'
        WHEN r.above_share >= 0.8 THEN 'B'
        ELSE 'A'
    END AS abc_class,
    CASE WHEN r.sold_qty = 0 OR s.variation IS NULL THEN NULL WHEN s.variation < 0.5 THEN 'X' WHEN s.variation <= 1 THEN 'Y' ELSE 'Z' END
        AS xyz_class,
    CASE
        WHEN coalesce(g.demand_weeks, 0) < 3 THEN 'too few'
        WHEN g.mean_gap_weeks >= 1.32 AND g.size_variation >= 0.49 THEN 'lumpy'
        WHEN g.mean_gap_weeks >= 1.32 THEN 'intermittent'
        WHEN g.size_variation >= 0.49 THEN 'erratic'
        ELSE 'smooth'
    END AS demand_class,
    CAST(r.sold_qty AS BIGINT) AS sold_qty,
    r.margin_amount,
    s.variation AS monthly_variation,
    g.mean_gap_weeks,
    g.size_variation
FROM ranked AS r
LEFT JOIN steady AS s USING (sku)
LEFT JOIN gaps AS g USING (sku)
