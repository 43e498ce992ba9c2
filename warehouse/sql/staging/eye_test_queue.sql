-- One row per entry of a store's queue for eye tests.
SELECT q.eye_test_queue_id, s.store_code, q.queued_on, q.reason, q.state, q.queued_at, q.started_at, q.completed_at
FROM raw.eye_test_queue AS q
JOIN raw.stores AS s USING (store_id)
