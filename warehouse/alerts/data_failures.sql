-- One row per store and check of this run that its rows fail; without a store where the rows name none.
-- What holds back store-days and pairs is told by what is missing for it (data_held.sql). No sales can be put to it.
SELECT
    'DATA' AS kind,
    store_code,
    concat(table_name, ':', check_name) AS subject,
    CASE severity WHEN 'blocking' THEN 'severe' ELSE 'warn' END AS severity,
    0 AS at_stake_amount,
    format('Not so: {} ({} {} of {})', replace(check_name, '_', ' '), failed_count,
        CASE failed_count WHEN 1 THEN 'row' ELSE 'rows' END, table_name) AS title,
    what_to_do AS detail,
    'quality' AS view,
    to_json({'check': concat(table_name, ':', check_name)}) AS filters
FROM failures
