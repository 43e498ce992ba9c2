-- One row per sku that took the place of another one on the shelf: the last to leave its style slot before it came.
-- A slot is the style_code: a peg of the board. The predecessor left at most 60 days before the launch, or up to 28 after.
SELECT n.sku, b.sku AS predecessor, n.launched_on, b.discontinued_on AS predecessor_ended_on
FROM staging.products AS n
JOIN staging.products AS b
    ON b.style_code = n.style_code
    AND b.sku <> n.sku
    AND b.discontinued_on BETWEEN n.launched_on - 60 AND n.launched_on + 28
    AND coalesce(b.launched_on < n.launched_on, TRUE)
WHERE n.style_code IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY n.sku ORDER BY abs(b.discontinued_on - n.launched_on), b.discontinued_on DESC, b.sku) = 1
