-- One row per store and day before as_of from its opening, or first sale, on: net sales beside those of the year before.
-- A day compares with the same weekday 364 days earlier where the store traded on both and had been open for 13 months; the
-- aligned one compares with dim_date.aligned_on, which lies the same way to the festival.
WITH sales AS (
    SELECT
        store_code,
        booked_on AS day_on,
        CAST(coalesce(sum(net_amount), 0) AS DECIMAL(14, 2)) AS net_amount,
        count(DISTINCT salesperson) FILTER (WHERE kind = 'sale') AS seller_count,
        bool_or(sold_qty > 0) AS is_trading
    FROM marts.fct_sales_lines
    GROUP BY store_code, booked_on
),
begun AS (
    SELECT
        s.store_code,
        s.floor_area_sqft,
        s.frame_board_capacity,
        s.closed_on,
        coalesce(s.opened_on, f.first_on) AS opened_on,
        greatest(f.first_on, s.opened_on) AS from_on
    FROM staging.stores AS s
    JOIN (SELECT store_code, min(day_on) AS first_on FROM sales GROUP BY store_code) AS f USING (store_code)
),
days AS (
    SELECT b.store_code, d.day_on, d.aligned_on, b.floor_area_sqft, b.frame_board_capacity, b.opened_on
    FROM begun AS b
    JOIN marts.dim_date AS d ON d.is_past AND d.day_on >= b.from_on AND coalesce(d.day_on < b.closed_on, TRUE)
)
SELECT
    d.store_code,
    d.day_on,
    coalesce(s.is_trading, FALSE) AS is_trading,
    coalesce(s.net_amount, 0) AS net_amount,
    CAST(d.day_on - 364 AS DATE) AS prior_on,
    p.net_amount AS prior_net_amount,
    coalesce(s.is_trading AND p.is_trading, FALSE) AND d.opened_on + INTERVAL 13 MONTHS <= d.day_on AS is_comparable,
    d.aligned_on,
    a.net_amount AS aligned_net_amount,
    coalesce(s.is_trading AND a.is_trading, FALSE) AND d.opened_on + INTERVAL 13 MONTHS <= d.day_on AS is_aligned_comparable,
    coalesce(s.seller_count, 0) AS seller_count,
    d.floor_area_sqft,
    d.frame_board_capacity
FROM days AS d
LEFT JOIN sales AS s USING (store_code, day_on)
LEFT JOIN sales AS p ON p.store_code = d.store_code AND p.day_on = d.day_on - 364
LEFT JOIN sales AS a ON a.store_code = d.store_code AND a.day_on = d.aligned_on
