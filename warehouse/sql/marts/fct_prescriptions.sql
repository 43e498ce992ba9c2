-- One row per prescription before as_of, as last corrected, and whether its patient bought within 60 days.
-- Spectacles or contact lenses from any store count: an order for the patient, or one of the patient's customer that names no
-- patient. is_new says that a test of the chain's own made it.
WITH prescriptions AS (
    SELECT r.*, k.survivor_id
    FROM staging.prescriptions AS r
    CROSS JOIN staging.chain AS c
    LEFT JOIN staging.customers AS k USING (customer_id)
    WHERE r.prescribed_on < c.as_of
),
optical AS (
    SELECT DISTINCT l.sales_order_id, l.patient_id, l.customer_id, l.booked_on
    FROM marts.fct_sales_lines AS l
    WHERE l.kind = 'sale' AND (l.product_kind IN ('frame', 'lens', 'contact_lens') OR l.pair_group IS NOT NULL)
),
bought AS (
    SELECT r.prescription_id, o.booked_on
    FROM prescriptions AS r
    JOIN optical AS o ON o.patient_id = r.patient_id AND o.booked_on BETWEEN r.prescribed_on AND r.prescribed_on + 60
    UNION ALL
    SELECT r.prescription_id, o.booked_on
    FROM prescriptions AS r
    JOIN optical AS o
        ON o.patient_id IS NULL AND o.customer_id = r.survivor_id AND o.booked_on BETWEEN r.prescribed_on AND r.prescribed_on + 60
),
firsts AS (SELECT prescription_id, min(booked_on) AS bought_on FROM bought GROUP BY prescription_id)
SELECT
    r.prescription_id,
    r.store_code,
    r.prescribed_on,
    r.valid_until_on,
    r.patient_id,
    r.survivor_id AS customer_id,
    r.optometrist,
    r.source,
    r.kind,
    r.source = 'tested_at_store' AS is_new,
    f.bought_on,
    f.bought_on IS NOT NULL AS is_captured,
    r.prescribed_on + 60 < c.as_of AS is_complete
FROM prescriptions AS r
CROSS JOIN staging.chain AS c
LEFT JOIN firsts AS f USING (prescription_id)
