-- One row per store and sku of fct_pair_rates: what its days out of stock would sell, relative to its rate. Whoever renews
-- (contact lenses) does not come again the day after, and it is right after a sale that a shelf is empty. So days in stock are
-- told apart: the 28 days after a sale, and the others. What each kind sells over what the rates say, by category and speed of
-- the pair with 20 units added to both, is what such a day out of stock would have sold. Weekly history cannot tell: 1.
WITH spans AS (
    SELECT
        s.store_code,
        s.sku,
        s.from_on,
        s.is_ranged AND NOT s.is_out_of_stock AS is_in,
        s.is_ranged AND s.is_out_of_stock AS is_out,
        least(coalesce(s.to_on + 1, c.as_of), c.as_of) AS until_on,
        until_on - s.from_on AS days
    FROM marts.fct_stock_spans AS s
    CROSS JOIN staging.chain AS c
    WHERE s.from_on < c.as_of
),
totals AS (
    SELECT
        *,
        coalesce(sum(CASE WHEN is_in THEN days ELSE 0 END) OVER earlier, 0) AS in_before,
        coalesce(sum(CASE WHEN is_out THEN days ELSE 0 END) OVER earlier, 0) AS out_before
    FROM spans
    WINDOW earlier AS (PARTITION BY store_code, sku ORDER BY from_on ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
sales AS (
    SELECT
        f.store_code,
        f.sku,
        f.sold_on,
        f.sold_qty,
        f.sold_on - lag(f.sold_on) OVER sooner <= 28 AS is_soon,
        f.sold_on + 1 AS begins_on,
        least(f.sold_on + 29, coalesce(lead(f.sold_on) OVER sooner + 1, c.as_of), c.as_of) AS ends_on
    FROM marts.fct_sales_daily AS f
    CROSS JOIN staging.chain AS c
    WHERE f.sold_qty > 0 AND f.sold_on >= c.as_of - 400 AND c.sales_grain <> 'week'
    WINDOW sooner AS (PARTITION BY f.store_code, f.sku ORDER BY f.sold_on)
),
counted AS (
    -- days in and out of stock before the first and before the day after the last of the 28 days, or of the next sale
    SELECT
        s.store_code,
        s.sku,
        b.in_before + CASE WHEN b.is_in THEN s.begins_on - b.from_on ELSE 0 END AS in_begins,
        e.in_before + CASE WHEN e.is_in THEN s.ends_on - e.from_on ELSE 0 END AS in_ends,
        b.out_before + CASE WHEN b.is_out THEN s.begins_on - b.from_on ELSE 0 END AS out_begins,
        e.out_before + CASE WHEN e.is_out THEN s.ends_on - e.from_on ELSE 0 END AS out_ends
    FROM sales AS s
    ASOF JOIN totals AS b ON b.store_code = s.store_code AND b.sku = s.sku AND b.from_on <= s.begins_on
    ASOF JOIN totals AS e ON e.store_code = s.store_code AND e.sku = s.sku AND e.from_on <= s.ends_on
),
soon AS (
    SELECT store_code, sku, sum(in_ends - in_begins) AS in_days, sum(out_ends - out_begins) AS out_days
    FROM counted
    GROUP BY store_code, sku
),
whole AS (
    SELECT t.store_code, t.sku, sum(t.days) FILTER (WHERE t.is_out) AS out_days, sum(t.days) FILTER (WHERE t.is_in) AS in_days
    FROM (
        SELECT s.store_code, s.sku, s.is_in, s.is_out, s.until_on - greatest(s.from_on, c.as_of - 400) AS days
        FROM spans AS s
        CROSS JOIN staging.chain AS c
        WHERE s.until_on > c.as_of - 400
    ) AS t
    GROUP BY t.store_code, t.sku
),
sold AS (
    SELECT
        f.store_code,
        f.sku,
        sum(f.sold_qty) AS sold_qty,
        coalesce(sum(f.sold_qty) FILTER (WHERE f.is_soon), 0) AS soon_qty
    FROM sales AS f
    ASOF JOIN totals AS t ON t.store_code = f.store_code AND t.sku = f.sku AND t.from_on <= f.sold_on
    WHERE t.is_in
    GROUP BY f.store_code, f.sku
),
pairs AS (
    SELECT
        r.store_code,
        r.sku,
        p.category,
        CASE WHEN r.daily_rate > 0.2 THEN 2 WHEN r.daily_rate > 0.05 THEN 1 ELSE 0 END AS speed,
        r.daily_rate,
        coalesce(s.in_days, 0) AS soon_in_days,
        coalesce(s.out_days, 0) AS soon_out_days,
        coalesce(w.in_days, 0) AS in_days,
        coalesce(w.out_days, 0) AS out_days,
        coalesce(f.soon_qty, 0) AS soon_qty,
        coalesce(f.sold_qty, 0) AS sold_qty
    FROM marts.fct_pair_rates AS r
    JOIN staging.products AS p USING (sku)
    LEFT JOIN soon AS s USING (store_code, sku)
    LEFT JOIN whole AS w USING (store_code, sku)
    LEFT JOIN sold AS f USING (store_code, sku)
),
kinds AS (
    SELECT
        *,
        (sum(soon_qty) OVER kind + 20) / (sum(daily_rate * soon_in_days) OVER kind + 20) AS soon_factor,
        (sum(sold_qty - soon_qty) OVER kind + 20) / (sum(daily_rate * greatest(in_days - soon_in_days, 0)) OVER kind + 20) AS later_factor
    FROM pairs
    WINDOW kind AS (PARTITION BY category, speed)
)
SELECT
    store_code,
    sku,
    CAST(out_days AS BIGINT) AS out_of_stock_days,
    CAST(least(soon_out_days, out_days) AS BIGINT) AS soon_days,
    CASE
        WHEN out_days > 0 AND c.sales_grain <> 'week'
            THEN later_factor + least(soon_out_days, out_days) / out_days * (soon_factor - later_factor)
        ELSE 1
    END AS rate_factor
FROM kinds
CROSS JOIN staging.chain AS c
