-- One row per sku.
SELECT
    p.sku,
    p.name,
    p.category,
    p.subcategory,
    p.brand,
    p.unit_price,
    p.unit_cost,
    p.tax_rate,
    p.launched_on,
    p.discontinued_on,
    p.attributes,
    coalesce(p.discontinued_on > c.as_of, TRUE) AS is_active
FROM staging.products AS p
CROSS JOIN staging.chain AS c
