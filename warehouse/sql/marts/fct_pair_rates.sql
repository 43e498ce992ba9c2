-- One row per store and sku that is or was on the shelves in the 364 days before as_of, or ranged then: how fast it sells.
-- Units sold for each day in stock, drawn towards what the sku does in the whole chain, and that towards its category: a
-- gamma prior with the weight of 3 units sold (stores differ from the chain by some 0.6 of its rate, in half of the cases).
-- The rate of a day in stock is then gamma with shape `shape` and `exposure_days` days: mean daily_rate, and the units of a
-- time to come are negative binomial. Season is not in it.
WITH days AS (
    SELECT
        s.store_code,
        s.sku,
        sum(
            least(coalesce(s.to_on, c.as_of - 1), c.as_of - 1) - greatest(s.from_on, c.as_of - 364) + 1
        ) FILTER (WHERE coalesce(s.on_hand_qty > 0, NOT s.is_out_of_stock)) AS in_stock_days
    FROM marts.fct_stock_spans AS s
    CROSS JOIN staging.chain AS c
    WHERE s.from_on < c.as_of AND coalesce(s.to_on >= c.as_of - 364, TRUE)
    GROUP BY s.store_code, s.sku
),
sold AS (
    SELECT f.store_code, f.sku, sum(f.sold_qty) AS sold_qty, max(f.sold_on) AS last_sold_on
    FROM marts.fct_sales_daily AS f
    CROSS JOIN staging.chain AS c
    WHERE f.sold_on >= c.as_of - 364 AND f.sold_qty > 0
    GROUP BY f.store_code, f.sku
),
pairs AS (
    SELECT
        d.store_code,
        d.sku,
        p.category,
        coalesce(d.in_stock_days, 0) AS in_stock_days,
        coalesce(s.sold_qty, 0) AS sold_qty,
        sum(coalesce(d.in_stock_days, 0)) OVER (PARTITION BY d.sku) AS chain_days,
        sum(coalesce(s.sold_qty, 0)) OVER (PARTITION BY d.sku) AS chain_qty,
        sum(coalesce(s.sold_qty, 0)) OVER (PARTITION BY p.category)
            / nullif(sum(coalesce(d.in_stock_days, 0)) OVER (PARTITION BY p.category), 0) AS category_rate
    FROM days AS d
    JOIN staging.products AS p USING (sku)
    LEFT JOIN sold AS s USING (store_code, sku)
),
chains AS (
    SELECT *, (chain_qty + 3) / (chain_days + 3 / nullif(category_rate, 0)) AS chain_rate
    FROM pairs
)
SELECT
    store_code,
    sku,
    CAST(in_stock_days AS BIGINT) AS in_stock_days,
    CAST(sold_qty AS BIGINT) AS sold_qty,
    coalesce(chain_rate, 0) AS chain_rate,
    CAST(sold_qty + 3 AS DOUBLE) AS shape,
    in_stock_days + 3 / chain_rate AS exposure_days,
    coalesce((sold_qty + 3) / (in_stock_days + 3 / chain_rate), 0) AS daily_rate,
    coalesce(sqrt(sold_qty + 3) / (in_stock_days + 3 / chain_rate), 0) AS daily_rate_sd
FROM chains
