-- One row per order and pair of spectacles before as_of: a frame and its lenses, or either alone, joined by a pair group.
-- is_multi says that the customer ordered another pair within 30 days; is_of_40_or_more compares years alone, as no birthday
-- is known here.
WITH pairs AS (
    SELECT
        l.sales_order_id,
        l.pair_group,
        l.booked_on,
        l.store_code,
        any_value(l.customer_id) AS customer_id,
        any_value(l.patient_id) AS patient_id,
        any_value(l.salesperson) AS salesperson,
        bool_or(l.product_kind IN ('frame', 'sunglass')) AS has_frame,
        bool_or(l.product_kind = 'lens') AS has_lenses,
        coalesce(bool_or(p.has_ar_coating), FALSE) AS has_ar_coating,
        coalesce(bool_or(p.lens_kind = 'PROGRESSIVE'), FALSE) AS is_progressive,
        CAST(sum(l.net_amount) AS DECIMAL(14, 2)) AS net_amount
    FROM marts.fct_sales_lines AS l
    JOIN staging.products AS p USING (sku)
    WHERE l.kind = 'sale' AND l.pair_group IS NOT NULL
    GROUP BY l.sales_order_id, l.pair_group, l.booked_on, l.store_code
),
placed AS (
    SELECT
        *,
        coalesce(CAST(customer_id AS VARCHAR), 'order ' || sales_order_id) AS buyer,
        lag(booked_on) OVER one_buyer AS before_on,
        lead(booked_on) OVER one_buyer AS after_on
    FROM pairs
    WINDOW one_buyer AS (PARTITION BY buyer ORDER BY booked_on, sales_order_id, pair_group)
)
SELECT
    p.sales_order_id,
    p.pair_group,
    p.booked_on,
    p.store_code,
    p.customer_id,
    p.patient_id,
    p.salesperson,
    p.buyer,
    p.has_frame,
    p.has_lenses,
    p.has_ar_coating,
    p.is_progressive,
    CAST(year(p.booked_on) AS INTEGER) - t.birth_year >= 40 AS is_of_40_or_more,
    coalesce(p.booked_on - p.before_on <= 30, FALSE) OR coalesce(p.after_on - p.booked_on <= 30, FALSE) AS is_multi,
    p.net_amount
FROM placed AS p
LEFT JOIN staging.patients AS t USING (patient_id)
