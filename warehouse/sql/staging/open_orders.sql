-- One row per order reference, store and sku with units still to come.
-- A suggestion that a person approved counts until a line of a purchase order that is no draft names it; a refused one
-- never does.
SELECT
    o.order_ref,
    s.store_code,
    p.sku,
    v.vendor_code,
    l.expected_on,
    l.open_qty AS quantity,
    FALSE AS is_suggestion
FROM raw.purchase_order_lines AS l
JOIN raw.purchase_orders AS o USING (purchase_order_id)
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
LEFT JOIN raw.vendors AS v USING (vendor_id)
WHERE l.state = 'open' AND l.open_qty > 0
UNION ALL
SELECT
    'suggestion ' || g.suggestion_id AS order_ref,
    s.store_code,
    p.sku,
    v.vendor_code,
    g.arrives_on AS expected_on,
    coalesce(g.approved_qty, g.suggested_qty) AS quantity,
    TRUE AS is_suggestion
FROM raw.suggestions AS g
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
LEFT JOIN raw.vendors AS v USING (vendor_id)
ANTI JOIN raw.purchase_order_lines AS l ON l.suggestion_id = g.suggestion_id AND l.state <> 'draft'
WHERE g.state IN ('approved', 'edited', 'ordered') AND coalesce(g.approved_qty, g.suggested_qty) > 0
