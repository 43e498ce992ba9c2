-- One row per sku.
SELECT
    sku,
    name,
    category,
    subcategory,
    brand,
    unit_price,
    unit_cost,
    tax_rate,
    launched_on,
    discontinued_on,
    attributes
FROM raw.products
