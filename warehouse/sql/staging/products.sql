-- One row per sku.
-- A category counts under the spelling that most products give it (FRAMES, Frames; RX_LENSES, Lenses), a blank one as
-- Unknown: checks tell which. A stock lens has its coating among its attributes; one that is made to order, in its lens line.
WITH spelled AS (
    SELECT
        category,
        count(*) AS products,
        regexp_replace(regexp_replace(upper(category), '[^A-Z0-9]', '', 'g'), '^RX|S$', '', 'g') AS word
    FROM raw.products
    WHERE trim(category) <> ''
    GROUP BY category
),
canonical AS (
    SELECT w.category AS written, arg_max(s.category, (s.products, s.category)) AS category
    FROM spelled AS w
    JOIN spelled AS s USING (word)
    GROUP BY w.category
)
SELECT
    p.sku,
    p.name,
    coalesce(n.category, 'Unknown') AS category,
    p.subcategory,
    p.brand,
    p.unit_price,
    p.unit_cost,
    p.tax_rate,
    p.launched_on,
    p.discontinued_on,
    p.attributes,
    coalesce(c.kind, 'other') AS kind,
    p.mrp,
    t.code AS tax_class,
    p.discount_class,
    p.lifecycle,
    p.style_code,
    p.model,
    p.colour_code,
    p.size_label,
    p.is_active,
    p.is_batch_tracked,
    p.is_transfer_excluded,
    p.is_never_reordered,
    coalesce(l.kind, CASE WHEN c.kind = 'lens' THEN 'SV' END) AS lens_kind,
    CASE
        WHEN c.kind = 'lens'
            THEN coalesce(
                list_contains(l.coatings, 'AR'),
                regexp_matches(json_extract_string(p.attributes, '$.coating'), '\bAR\b'),
                FALSE
            )
    END AS has_ar_coating,
    k.modality,
    k.lenses_per_box
FROM raw.products AS p
LEFT JOIN canonical AS n ON n.written = p.category
LEFT JOIN raw.categories AS c ON c.code = coalesce(n.category, p.category)
LEFT JOIN raw.tax_classes AS t ON t.tax_class_id = coalesce(p.tax_class_id, c.tax_class_id)
LEFT JOIN raw.lens_lines AS l ON l.product_id = p.product_id
LEFT JOIN raw.product_contact_lenses AS k ON k.product_id = p.product_id
