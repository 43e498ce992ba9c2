-- One row per tax class and span of days.
SELECT t.code AS tax_class, r.valid_from_on, r.valid_to_on, r.rate AS tax_rate
FROM raw.tax_rates AS r
JOIN raw.tax_classes AS t USING (tax_class_id)
