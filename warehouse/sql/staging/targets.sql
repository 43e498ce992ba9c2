-- One row per store and month with a target.
SELECT s.store_code, t.month_on, t.target_amount, t.walk_in_count AS walk_in_target
FROM raw.sales_targets AS t
JOIN raw.stores AS s USING (store_id)
