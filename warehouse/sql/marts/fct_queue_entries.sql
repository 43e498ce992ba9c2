-- One row per entry of a store's queue for eye tests before as_of.
SELECT
    q.eye_test_queue_id,
    q.store_code,
    q.queued_on,
    q.reason,
    q.state,
    q.state = 'no_show' AS is_no_show,
    date_diff('second', q.queued_at, q.started_at) / 60.0 AS wait_minutes
FROM staging.eye_test_queue AS q
CROSS JOIN staging.chain AS c
WHERE q.queued_on < c.as_of
