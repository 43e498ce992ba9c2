-- One row per visitor who left without buying.
SELECT
    w.walkout_id,
    s.store_code,
    w.walked_out_on,
    w.reason,
    coalesce(p.category, k.code) AS category,
    p.sku,
    w.customer_id,
    w.price_from,
    w.price_to,
    w.result,
    w.sales_order_id
FROM raw.walkouts AS w
JOIN raw.stores AS s USING (store_id)
LEFT JOIN raw.products AS p USING (product_id)
LEFT JOIN raw.categories AS k ON k.category_id = w.category_id
