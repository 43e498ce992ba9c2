-- One row per change of a job's state, on its business day in the chain's timezone.
SELECT
    e.lab_job_event_id,
    e.lab_job_id,
    e.from_state,
    e.to_state,
    e.happened_at,
    CAST(timezone(c.timezone, e.happened_at) AS DATE) AS happened_on
FROM raw.lab_job_events AS e
CROSS JOIN raw.chain AS c
