-- One row per suggestion made before as_of or for it: what became of it, and whether a person's change was for the better.
-- Once the days it answers for are over, its error is the distance of stock after the order from what was then sold; units
-- of other orders are not in it, so it compares the two quantities and is no forecast error.
WITH demand AS (
    SELECT g.suggestion_id, sum(f.sold_qty) AS sold_qty
    FROM staging.suggestions AS g
    CROSS JOIN staging.chain AS c
    JOIN marts.fct_sales_daily AS f
        ON f.store_code = g.store_code AND f.sku = g.sku AND f.sold_on >= g.as_of AND f.sold_on < g.covers_until_on
    WHERE g.covers_until_on <= c.as_of AND g.state IN ('approved', 'edited', 'ordered', 'received')
    GROUP BY g.suggestion_id
)
SELECT
    g.suggestion_id,
    g.as_of,
    g.store_code,
    g.sku,
    g.vendor_code,
    g.kind,
    g.state,
    g.reason,
    CAST(g.suggested_qty AS BIGINT) AS suggested_qty,
    g.state IN ('approved', 'edited', 'ordered', 'received') AS is_approved,
    g.state IN ('approved', 'edited', 'ordered', 'received', 'refused') AS is_decided,
    CASE WHEN is_approved THEN CAST(coalesce(g.approved_qty, g.suggested_qty) AS BIGINT) END AS approved_qty,
    CASE WHEN is_approved THEN abs(coalesce(g.approved_qty, g.suggested_qty) - g.suggested_qty) / g.suggested_qty END AS change_ratio,
    CASE
        WHEN is_approved AND g.covers_until_on <= c.as_of
            THEN CAST(abs(g.on_hand_qty + g.on_order_qty + g.suggested_qty - coalesce(d.sold_qty, 0)) AS BIGINT)
    END AS suggested_error_qty,
    CASE
        WHEN is_approved AND g.covers_until_on <= c.as_of
            THEN CAST(abs(g.on_hand_qty + g.on_order_qty + coalesce(g.approved_qty, g.suggested_qty) - coalesce(d.sold_qty, 0)) AS BIGINT)
    END AS approved_error_qty
FROM staging.suggestions AS g
CROSS JOIN staging.chain AS c
LEFT JOIN demand AS d USING (suggestion_id)
WHERE g.as_of <= c.as_of
