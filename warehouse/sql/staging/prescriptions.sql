-- One row per prescription as last corrected: earlier versions are left out.
SELECT
    r.prescription_id,
    s.store_code,
    r.patient_id,
    p.customer_id,
    u.username AS optometrist,
    r.source,
    r.kind,
    r.eye_test_id,
    r.prescribed_on,
    r.valid_until_on
FROM raw.prescriptions AS r
JOIN raw.stores AS s USING (store_id)
LEFT JOIN raw.patients AS p USING (patient_id)
LEFT JOIN raw.users AS u ON u.user_id = r.optometrist_id
ANTI JOIN raw.prescriptions AS n ON n.supersedes_id = r.prescription_id
