-- One row per store and sku in the assortment: what binds an order for it besides its supply terms.
-- Shelf life is what nine of ten receipts of the sku had left when they came, else of its category's; only goods that carry
-- batches have one. A vendor's terms are those of as_of. kind_service_level is the chain's setting for the kind of
-- goods; 0 lets costs decide.
WITH lives AS (
    SELECT r.sku, p.category, CAST(r.expires_on - r.received_on AS BIGINT) AS life_days
    FROM staging.receipt_lines AS r
    JOIN marts.dim_product AS p USING (sku)
    CROSS JOIN staging.chain AS c
    WHERE p.is_batch_tracked AND r.received_on < c.as_of AND r.expires_on > r.received_on
),
of_sku AS (
    SELECT sku, quantile_disc(life_days, 0.1) AS life_days
    FROM lives
    GROUP BY sku
),
of_category AS (
    SELECT category, quantile_disc(life_days, 0.1) AS life_days
    FROM lives
    GROUP BY category
),
asked AS (
    SELECT v.vendor_code, v.minimum_order_amount, v.order_weekdays
    FROM staging.vendor_terms AS v
    CROSS JOIN staging.chain AS c
    WHERE v.valid_from_on <= c.as_of AND coalesce(v.valid_to_on >= c.as_of, TRUE)
    QUALIFY row_number() OVER (PARTITION BY v.vendor_code ORDER BY v.valid_from_on DESC) = 1
),
levels AS (
    SELECT substr(s.key, length('service_level_') + 1) AS kind, nullif(try_cast(s.value AS DOUBLE), 0) AS service_level
    FROM staging.chain_settings AS s
    WHERE starts_with(s.key, 'service_level_')
)
SELECT
    a.store_code,
    a.sku,
    p.kind,
    p.style_code,
    p.lifecycle,
    p.launched_on,
    CAST(s.frame_board_capacity AS BIGINT) AS board_capacity,
    p.is_never_reordered,
    p.is_transfer_excluded,
    CASE WHEN p.is_batch_tracked THEN coalesce(k.life_days, g.life_days) END AS shelf_life_days,
    v.order_weekdays,
    v.minimum_order_amount,
    l.service_level AS kind_service_level
FROM marts.dim_assortment AS a
JOIN marts.dim_product AS p USING (sku)
JOIN marts.dim_store AS s USING (store_code)
LEFT JOIN marts.dim_supply_terms AS t USING (store_code, sku)
LEFT JOIN asked AS v USING (vendor_code)
LEFT JOIN of_sku AS k USING (sku)
LEFT JOIN of_category AS g ON g.category = p.category
LEFT JOIN levels AS l ON l.kind = p.kind
WHERE a.is_in_assortment
