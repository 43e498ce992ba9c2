-- One row per store and day that was counted.
SELECT s.store_code, w.counted_on, w.walk_in_count
FROM raw.walk_in_counts AS w
JOIN raw.stores AS s USING (store_id)
