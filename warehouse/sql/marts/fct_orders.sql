-- One row per customer order before as_of that is neither a draft nor cancelled: what is in it and what it is worth.
-- Amounts are those of the sale; what came back later is in fct_returns.
WITH lines AS (
    SELECT
        l.sales_order_id,
        CAST(count(*) AS BIGINT) AS line_count,
        CAST(sum(l.item_qty) AS BIGINT) AS item_qty,
        count(DISTINCT l.pair_group) AS pair_count,
        CAST(sum(l.list_amount) AS DECIMAL(14, 2)) AS list_amount,
        CAST(sum(l.discount_amount) AS DECIMAL(14, 2)) AS discount_amount,
        CAST(sum(l.net_amount) AS DECIMAL(14, 2)) AS net_amount,
        CAST(sum(l.gross_amount) AS DECIMAL(14, 2)) AS gross_amount,
        CASE
            WHEN bool_or(l.prescription_source = 'from_doctor') THEN 'from_doctor'
            WHEN bool_or(l.prescription_source = 'tested_at_store') THEN 'tested_at_store'
        END AS prescription_source,
        bool_or(l.product_kind = 'accessory') AS has_accessory,
        bool_or(l.product_kind = 'solution') AS has_solution,
        bool_or(l.product_kind = 'contact_lens') AS has_contact_lens,
        bool_or(l.product_kind = 'contact_lens' AND p.modality IS DISTINCT FROM 'DAILY') AS has_reusable_contact_lens
    FROM marts.fct_sales_lines AS l
    JOIN staging.products AS p USING (sku)
    WHERE l.kind = 'sale' AND l.sales_order_id IS NOT NULL
    GROUP BY l.sales_order_id
)
SELECT
    o.sales_order_id,
    o.order_ref,
    o.store_code,
    k.survivor_id AS customer_id,
    o.patient_id,
    o.salesperson,
    o.status,
    o.channel,
    o.kind AS order_kind,
    o.booked_on,
    o.confirmed_at,
    o.delivered_on,
    o.expected_on,
    l.line_count,
    l.item_qty,
    l.pair_count,
    l.list_amount,
    l.discount_amount,
    l.net_amount,
    l.gross_amount,
    b.band_number,
    b.price_band,
    l.prescription_source,
    l.pair_count > 0 AS has_pair,
    l.has_accessory,
    l.has_solution,
    l.has_contact_lens,
    l.has_reusable_contact_lens,
    w.sales_order_id IS NOT NULL AS is_walkout_recovery
FROM lines AS l
JOIN staging.sales_orders AS o USING (sales_order_id)
LEFT JOIN staging.customers AS k ON k.customer_id = o.customer_id
LEFT JOIN marts.dim_price_band AS b ON l.net_amount >= b.from_amount AND (l.net_amount < b.below_amount OR b.below_amount IS NULL)
LEFT JOIN (SELECT DISTINCT sales_order_id FROM staging.walkouts WHERE result = 'converted') AS w USING (sales_order_id)
