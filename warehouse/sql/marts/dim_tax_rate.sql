-- One row per tax class and first day: the rate that was law in a span of days.
SELECT tax_class, valid_from_on, valid_to_on, tax_rate
FROM staging.tax_rates
