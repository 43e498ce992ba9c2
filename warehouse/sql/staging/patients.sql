-- One row per patient.
SELECT p.patient_id, p.customer_id, p.birth_year
FROM raw.patients AS p
