-- One row per store, lens line and power that it stocks or that eyes need: what share of eyes needs it, and is it there?
-- Eyes are those of spectacle prescriptions of the chain's last 728 days without a near addition: stock lenses are single
-- vision. A power is covered with two units, as both eyes may need the same.
WITH eyes AS (
    SELECT e.sph, coalesce(e.cyl, 0) AS cyl, count(*) AS eyes
    FROM staging.prescription_eyes AS e
    CROSS JOIN staging.chain AS c
    WHERE e.kind = 'spectacle' AND e.sph IS NOT NULL AND e.near_addition IS NULL
        AND e.prescribed_on >= c.as_of - 728 AND e.prescribed_on < c.as_of
    GROUP BY e.sph, coalesce(e.cyl, 0)
),
cells AS (
    SELECT
        p.sku,
        coalesce(p.subcategory, p.brand, p.category) AS lens_line,
        TRY_CAST(json_extract_string(p.attributes, '$.sph') AS DECIMAL(5, 2)) AS sph,
        coalesce(TRY_CAST(json_extract_string(p.attributes, '$.cyl') AS DECIMAL(5, 2)), 0) AS cyl
    FROM staging.products AS p
    WHERE p.attributes IS NOT NULL AND json_valid(p.attributes) AND json_extract_string(p.attributes, '$.sph') IS NOT NULL
),
stocked AS (
    SELECT
        k.store_code,
        l.lens_line,
        l.sph,
        l.cyl,
        CAST(sum(greatest(k.on_hand_qty, 0)) AS BIGINT) AS on_hand_qty,
        bool_or(k.is_ranged) AS is_ranged
    FROM marts.fct_stock_spans AS k
    JOIN cells AS l USING (sku)
    WHERE k.to_on IS NULL AND k.is_ranged AND l.sph IS NOT NULL
    GROUP BY k.store_code, l.lens_line, l.sph, l.cyl
),
wanted AS (
    SELECT g.store_code, g.lens_line, e.sph, e.cyl, e.eyes
    FROM (SELECT DISTINCT store_code, lens_line FROM stocked) AS g
    CROSS JOIN eyes AS e
)
SELECT
    store_code,
    lens_line,
    sph,
    cyl,
    coalesce(w.eyes, 0) AS eyes,
    coalesce(w.eyes, 0) / nullif(sum(coalesce(w.eyes, 0)) OVER (PARTITION BY store_code, lens_line), 0) AS eyes_share,
    coalesce(k.on_hand_qty, 0) AS on_hand_qty,
    coalesce(k.is_ranged, FALSE) AS is_ranged,
    coalesce(k.on_hand_qty >= 2, FALSE) AS is_covered
FROM stocked AS k
FULL JOIN wanted AS w USING (store_code, lens_line, sph, cyl)
