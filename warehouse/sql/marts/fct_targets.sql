-- One row per store and month with a target.
SELECT t.store_code, t.month_on, t.target_amount, t.walk_in_target
FROM staging.targets AS t
