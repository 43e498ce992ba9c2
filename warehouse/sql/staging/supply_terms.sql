-- One row per sku, vendor and store (null = every store).
SELECT
    p.sku,
    v.vendor_code,
    s.store_code,
    t.lead_time_days,
    t.review_period_days,
    t.lead_time_sd_days,
    t.moq,
    t.pack_size,
    coalesce(t.unit_cost, p.unit_cost) AS unit_cost
FROM raw.supply_terms AS t
JOIN raw.products AS p USING (product_id)
JOIN raw.vendors AS v USING (vendor_id)
LEFT JOIN raw.stores AS s USING (store_id)
