-- One row per day, store and sku with a sale or return before as_of; weekly history stands on the Monday of its week.
-- net_amount is null where no record of the row gave one, cost_amount where the product has no cost: nothing is guessed.
SELECT
    s.sold_on,
    s.store_code,
    s.sku,
    CAST(sum(s.sold_qty) AS BIGINT) AS sold_qty,
    CAST(sum(s.returned_qty) AS BIGINT) AS returned_qty,
    CAST(sum(s.sold_qty - s.returned_qty) AS BIGINT) AS net_qty,
    CAST(sum(s.net_amount) AS DECIMAL(18, 2)) AS net_amount,
    CAST(sum(s.sold_qty - s.returned_qty) * any_value(p.unit_cost) AS DECIMAL(18, 4)) AS cost_amount
FROM staging.sales AS s
JOIN staging.products AS p USING (sku)
CROSS JOIN staging.chain AS c
WHERE s.sold_on < c.as_of
GROUP BY s.sold_on, s.store_code, s.sku
