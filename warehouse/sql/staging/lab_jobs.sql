-- One row per pair of spectacles to be made, cancelled jobs included.
SELECT
    j.lab_job_id,
    j.job_number,
    s.store_code,
    v.vendor_code,
    j.sales_order_id,
    j.pair_group,
    j.state,
    j.promised_on,
    j.rework_count
FROM raw.lab_jobs AS j
JOIN raw.stores AS s USING (store_id)
LEFT JOIN raw.vendors AS v USING (vendor_id)
