-- One row per eye test.
SELECT
    t.eye_test_id,
    s.store_code,
    t.patient_id,
    p.customer_id,
    u.username AS optometrist,
    t.tested_on,
    t.started_at,
    t.completed_at,
    t.state,
    t.outcome
FROM raw.eye_tests AS t
JOIN raw.stores AS s USING (store_id)
LEFT JOIN raw.patients AS p USING (patient_id)
LEFT JOIN raw.users AS u ON u.user_id = t.optometrist_id
