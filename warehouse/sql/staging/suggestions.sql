-- One row per suggestion that IMS ever made.
SELECT
    g.suggestion_id,
    g.as_of,
    s.store_code,
    p.sku,
    v.vendor_code,
    g.kind,
    g.state,
    g.reason,
    g.on_hand AS on_hand_qty,
    g.on_order AS on_order_qty,
    g.suggested_qty,
    coalesce(g.decided_qty, g.approved_qty) AS approved_qty,
    g.covers_until AS covers_until_on,
    g.expected_demand AS expected_demand_qty,
    CAST(timezone(c.timezone, g.decided_at) AS DATE) AS decided_on
FROM raw.suggestions AS g
JOIN raw.stores AS s USING (store_id)
JOIN raw.products AS p USING (product_id)
LEFT JOIN raw.vendors AS v USING (vendor_id)
CROSS JOIN raw.chain AS c
