-- One row per price band of orders, numbered from the cheapest.
-- The chain sets the lower bounds in the setting price_bands; these are its default, in hundredths for other currencies.
WITH bounds AS (
    SELECT
        coalesce(
            CAST(any_value(s.value) AS DECIMAL(14, 2)[]),
            list_transform(
                CAST([0, 1000, 2500, 5000, 10000, 15000, 20000, 30000, 50000, 75000, 150000] AS DECIMAL(14, 2)[]),
                lambda bound: CAST(CASE WHEN any_value(c.currency) = 'INR' THEN bound ELSE bound / 100 END AS DECIMAL(14, 2))
            )
        ) AS listed
    FROM staging.chain AS c
    LEFT JOIN staging.chain_settings AS s ON s.key = 'price_bands'
),
bands AS (
    SELECT
        CAST(generate_subscripts(listed, 1) AS INTEGER) AS band_number,
        unnest(listed) AS from_amount
    FROM bounds
)
SELECT
    band_number,
    from_amount,
    lead(from_amount) OVER (ORDER BY band_number) AS below_amount,
    lpad(CAST(band_number AS VARCHAR), 2, '0') || ': '
        || CASE
            WHEN below_amount IS NULL THEN CAST(CAST(from_amount AS BIGINT) AS VARCHAR) || '+'
            ELSE CAST(CAST(from_amount AS BIGINT) AS VARCHAR) || '-' || CAST(CAST(below_amount AS BIGINT) AS VARCHAR)
        END AS price_band
FROM bands
