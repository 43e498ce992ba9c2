-- One row per wearer of contact lenses and day of an order before as_of: when the lenses run out, and the next order.
-- Two lenses, one for each eye, last a day (daily), 14 days (fortnightly), 30 (monthly), 90 (quarterly) or 365 (yearly).
-- Coloured lenses are worn at will and are left out. A refill is in time up to 14 days after the lenses ran out.
WITH bought AS (
    SELECT
        coalesce('patient ' || l.patient_id, 'customer ' || l.customer_id) AS wearer,
        l.booked_on AS ordered_on,
        any_value(l.patient_id) AS patient_id,
        any_value(l.customer_id) AS customer_id,
        arg_max(l.store_code, l.line_id) AS store_code,
        CAST(sum(l.sold_qty) AS BIGINT) AS box_count,
        CAST(floor(sum(l.sold_qty * p.lenses_per_box * m.lasts_days) / 2.0) AS INTEGER) AS supply_days
    FROM marts.fct_sales_lines AS l
    JOIN staging.products AS p USING (sku)
    JOIN (
        VALUES ('DAILY', 1), ('FORTNIGHTLY', 14), ('MONTHLY', 30), ('QUARTERLY', 90), ('YEARLY', 365)
    ) AS m (modality, lasts_days) USING (modality)
    WHERE l.kind = 'sale' AND (l.patient_id IS NOT NULL OR l.customer_id IS NOT NULL)
    GROUP BY ALL
)
SELECT
    b.wearer,
    b.ordered_on,
    b.patient_id,
    b.customer_id,
    b.store_code,
    b.box_count,
    b.supply_days,
    CAST(b.ordered_on + b.supply_days AS DATE) AS runs_out_on,
    lead(b.ordered_on) OVER (PARTITION BY b.wearer ORDER BY b.ordered_on) AS next_ordered_on,
    coalesce(next_ordered_on <= runs_out_on + 14, FALSE) AS is_refilled,
    runs_out_on + 14 < c.as_of AS is_complete,
    next_ordered_on IS NULL AS is_last
FROM bought AS b
CROSS JOIN staging.chain AS c
