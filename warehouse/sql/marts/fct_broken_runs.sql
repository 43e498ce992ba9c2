-- One row per store and style that it ranges at as_of: how many of the style's core colours and sizes are missing.
SELECT
    s.store_code,
    p.style_code,
    p.category,
    min(p.subcategory) AS subcategory,
    min(p.brand) AS brand,
    count(*) AS ranged_skus,
    count(*) FILTER (WHERE s.is_out_of_stock) AS missing_skus,
    bool_or(s.is_out_of_stock) AS is_broken
FROM marts.fct_stock_spans AS s
JOIN staging.products AS p USING (sku)
WHERE s.to_on IS NULL AND s.is_ranged AND p.style_code IS NOT NULL AND p.lifecycle NOT IN ('CLEARANCE', 'DISCONTINUED')
GROUP BY s.store_code, p.style_code, p.category
