-- One row per patient and day on which a prescription of theirs runs out, and the test that followed.
-- What a newer prescription replaced more than 90 days before is not due. A test within 90 days of the day, either way, is a
-- recall that worked; is_complete says that those days are over.
WITH due AS (
    SELECT
        r.patient_id,
        r.valid_until_on AS due_on,
        max(r.prescribed_on) AS prescribed_on,
        any_value(r.customer_id) AS customer_id,
        arg_max(r.store_code, r.prescription_id) AS store_code
    FROM marts.fct_prescriptions AS r
    GROUP BY r.patient_id, r.valid_until_on
),
outstanding AS (
    SELECT d.*
    FROM due AS d
    ANTI JOIN marts.fct_prescriptions AS n
        ON n.patient_id = d.patient_id AND n.prescribed_on > d.prescribed_on AND n.prescribed_on < d.due_on - 90
),
tests AS (
    SELECT o.patient_id, o.due_on, min(t.tested_on) AS tested_on
    FROM outstanding AS o
    JOIN marts.fct_eye_tests AS t
        ON t.patient_id = o.patient_id AND t.is_completed AND t.tested_on BETWEEN o.due_on - 90 AND o.due_on + 90
        AND t.tested_on > o.prescribed_on
    GROUP BY o.patient_id, o.due_on
)
SELECT
    o.patient_id,
    o.due_on,
    o.customer_id,
    o.store_code,
    o.prescribed_on,
    t.tested_on,
    t.tested_on IS NOT NULL AS is_recalled,
    o.due_on < c.as_of AS is_due,
    o.due_on + 90 < c.as_of AS is_complete
FROM outstanding AS o
CROSS JOIN staging.chain AS c
LEFT JOIN tests AS t USING (patient_id, due_on)
