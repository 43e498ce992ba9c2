-- One row per sku, store (null = every one) and first day: what it sold for in a span of days.
SELECT sku, store_code, valid_from_on, valid_to_on, unit_price, mrp
FROM staging.price_history
