-- One row per prescription and eye, as last corrected.
SELECT
    e.prescription_id,
    e.eye,
    e.kind,
    r.prescribed_on,
    e.sph,
    e.cyl,
    e.add AS near_addition
FROM raw.prescription_eyes AS e
JOIN raw.prescriptions AS r USING (prescription_id)
ANTI JOIN raw.prescriptions AS n ON n.supersedes_id = r.prescription_id
ANTI JOIN checks.quarantine AS q ON q.table_name = 'prescription_eyes' AND q.row_id = e.prescription_eye_id
