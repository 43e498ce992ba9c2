-- One row per job and attempt that had to be made again.
SELECT
    r.lab_job_id,
    r.attempt,
    r.reason,
    r.fault,
    r.spoilage_cost_amount,
    CAST(timezone(c.timezone, r.recorded_at) AS DATE) AS recorded_on
FROM raw.remakes AS r
CROSS JOIN raw.chain AS c
