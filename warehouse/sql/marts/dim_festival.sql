-- One row per day of a festival around which trade rises and falls.
-- The chain names its own in the setting festivals, [{"name": …, "day": …}]; these are those of its country, by timezone.
WITH known AS (
    SELECT 'Diwali' AS festival, unnest(CAST([
        '2018-11-07', '2019-10-27', '2020-11-14', '2021-11-04', '2022-10-24', '2023-11-12', '2024-11-01', '2025-10-20',
        '2026-11-08', '2027-10-29', '2028-10-17', '2029-11-05', '2030-10-26'
    ] AS DATE[])) AS day_on, 'Asia/Kolkata' AS timezone
),
given AS (
    SELECT unnest(from_json(s.value, '[{"name": "VARCHAR", "day": "DATE"}]')) AS each
    FROM staging.chain_settings AS s
    WHERE s.key = 'festivals'
)
SELECT g.each.name AS festival, g.each.day AS day_on
FROM given AS g
UNION ALL
SELECT k.festival, k.day_on
FROM known AS k
JOIN staging.chain AS c USING (timezone)
WHERE NOT EXISTS (SELECT 1 FROM staging.chain_settings AS s WHERE s.key = 'festivals')
