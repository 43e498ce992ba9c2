-- One row per store and lens line with stock lenses: the share of whole prescriptions that it could serve the same day.
-- A prescription needs a lens for each eye: two of one power when both eyes are alike. One eye alone needs one.
WITH prescriptions AS (
    SELECT
        e.prescription_id,
        max(e.sph) FILTER (WHERE e.eye = 'right') AS right_sph,
        coalesce(max(e.cyl) FILTER (WHERE e.eye = 'right'), 0) AS right_cyl,
        max(e.sph) FILTER (WHERE e.eye = 'left') AS left_sph,
        coalesce(max(e.cyl) FILTER (WHERE e.eye = 'left'), 0) AS left_cyl
    FROM staging.prescription_eyes AS e
    CROSS JOIN staging.chain AS c
    WHERE e.kind = 'spectacle' AND e.prescribed_on >= c.as_of - 728 AND e.prescribed_on < c.as_of
    GROUP BY e.prescription_id
    HAVING max(e.near_addition) IS NULL AND max(e.sph) IS NOT NULL
),
needs AS (
    SELECT
        coalesce(right_sph, left_sph) AS one_sph,
        CASE WHEN right_sph IS NULL THEN left_cyl ELSE right_cyl END AS one_cyl,
        CASE WHEN right_sph IS NOT NULL THEN left_sph END AS other_sph,
        CASE WHEN right_sph IS NOT NULL AND left_sph IS NOT NULL THEN left_cyl END AS other_cyl,
        count(*) AS prescriptions
    FROM prescriptions
    GROUP BY ALL
),
stocked AS (SELECT store_code, lens_line, sph, cyl, on_hand_qty FROM marts.fct_power_grid WHERE on_hand_qty > 0),
served AS (
    SELECT k.store_code, k.lens_line, sum(n.prescriptions) AS served
    FROM needs AS n
    JOIN stocked AS k ON k.sph = n.one_sph AND k.cyl = n.one_cyl
    LEFT JOIN stocked AS o
        ON o.store_code = k.store_code AND o.lens_line = k.lens_line AND o.sph = n.other_sph AND o.cyl = n.other_cyl
    WHERE n.other_sph IS NULL
        OR CASE WHEN n.other_sph = n.one_sph AND n.other_cyl = n.one_cyl THEN k.on_hand_qty >= 2 ELSE o.sph IS NOT NULL END
    GROUP BY k.store_code, k.lens_line
)
SELECT
    g.store_code,
    g.lens_line,
    CAST(coalesce(t.prescriptions, 0) AS BIGINT) AS prescriptions,
    CAST(coalesce(s.served, 0) AS BIGINT) AS served_prescriptions
FROM (SELECT DISTINCT store_code, lens_line FROM marts.fct_power_grid) AS g
LEFT JOIN served AS s USING (store_code, lens_line)
CROSS JOIN (SELECT sum(prescriptions) AS prescriptions FROM needs) AS t
