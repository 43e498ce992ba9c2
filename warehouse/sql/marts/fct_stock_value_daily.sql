-- One row per store, category, subcategory, brand and day before as_of: what lay on the shelves at the opening, and its cost.
-- Made of spans, not of days of skus: what a span adds on its first day it takes away after its last, and the running sum
-- of a group is its stock. A group has a row while one of its skus is ranged or in the ledger.
WITH kinds AS (
    -- a number for each kind of goods: grouping millions of changes by texts takes twice as long
    SELECT category, subcategory, brand, min(kind) AS product_kind, row_number() OVER (ORDER BY category, subcategory, brand) AS kind_no
    FROM staging.products
    GROUP BY category, subcategory, brand
),
items AS (
    SELECT p.sku, k.kind_no
    FROM staging.products AS p
    JOIN kinds AS k
        ON k.category = p.category AND k.subcategory IS NOT DISTINCT FROM p.subcategory AND k.brand IS NOT DISTINCT FROM p.brand
),
spans AS (
    SELECT
        s.store_code,
        i.kind_no,
        s.from_on,
        s.to_on,
        coalesce(s.on_hand_qty, 0) AS on_hand_qty,
        CASE WHEN s.unit_cost IS NULL THEN coalesce(s.on_hand_qty, 0) ELSE 0 END AS uncosted_qty,
        CAST(coalesce(s.on_hand_qty * s.unit_cost, 0) AS DECIMAL(18, 4)) AS cost_amount,
        CASE WHEN s.is_cost_estimated THEN cost_amount ELSE 0 END AS estimated_cost_amount,
        CAST(s.is_ranged AS INTEGER) AS ranged_pairs,
        CAST(s.is_out_of_stock AS INTEGER) AS out_of_stock_pairs
    FROM marts.fct_stock_spans AS s
    JOIN items AS i USING (sku)
),
steps AS (
    SELECT store_code, kind_no, from_on AS day_on, 1 AS pairs, * EXCLUDE (store_code, kind_no, from_on, to_on) FROM spans
    UNION ALL
    SELECT
        store_code, kind_no, to_on + 1, -1, -on_hand_qty, -uncosted_qty, -cost_amount, -estimated_cost_amount,
        -ranged_pairs, -out_of_stock_pairs
    FROM spans
    WHERE to_on IS NOT NULL
),
changes AS (
    SELECT
        store_code,
        kind_no,
        day_on,
        CAST(sum(pairs) AS BIGINT) AS pairs,
        CAST(sum(ranged_pairs) AS BIGINT) AS ranged_pairs,
        CAST(sum(out_of_stock_pairs) AS BIGINT) AS out_of_stock_pairs,
        CAST(sum(on_hand_qty) AS BIGINT) AS on_hand_qty,
        CAST(sum(uncosted_qty) AS BIGINT) AS uncosted_qty,
        CAST(sum(cost_amount) AS DECIMAL(18, 4)) AS cost_amount,
        CAST(sum(estimated_cost_amount) AS DECIMAL(18, 4)) AS estimated_cost_amount
    FROM steps
    GROUP BY store_code, kind_no, day_on
),
levels AS (
    SELECT
        g.store_code,
        g.kind_no,
        g.day_on AS from_on,
        coalesce(lead(g.day_on) OVER kind, c.as_of) AS next_on,
        sum(g.pairs) OVER kind AS known_pairs,
        sum(g.ranged_pairs) OVER kind AS ranged_pairs,
        sum(g.out_of_stock_pairs) OVER kind AS out_of_stock_pairs,
        sum(g.on_hand_qty) OVER kind AS on_hand_qty,
        sum(g.uncosted_qty) OVER kind AS uncosted_qty,
        sum(g.cost_amount) OVER kind AS cost_amount,
        sum(g.estimated_cost_amount) OVER kind AS estimated_cost_amount
    FROM changes AS g
    CROSS JOIN staging.chain AS c
    WHERE g.day_on < c.as_of
    WINDOW kind AS (PARTITION BY g.store_code, g.kind_no ORDER BY g.day_on ROWS UNBOUNDED PRECEDING)
),
days AS (
    SELECT l.*, l.from_on + CAST(unnest(range(l.next_on - l.from_on)) AS INTEGER) AS day_on
    FROM levels AS l
    WHERE l.known_pairs > 0
)
SELECT
    d.store_code,
    k.category,
    k.subcategory,
    k.brand,
    k.product_kind,
    d.day_on,
    CAST(d.known_pairs AS BIGINT) AS known_pairs,
    CAST(d.ranged_pairs AS BIGINT) AS ranged_pairs,
    CAST(d.out_of_stock_pairs AS BIGINT) AS out_of_stock_pairs,
    CAST(d.on_hand_qty AS BIGINT) AS on_hand_qty,
    CAST(d.uncosted_qty AS BIGINT) AS uncosted_qty,
    CAST(d.cost_amount AS DECIMAL(18, 4)) AS cost_amount,
    CAST(d.estimated_cost_amount AS DECIMAL(18, 4)) AS estimated_cost_amount
FROM days AS d
JOIN kinds AS k USING (kind_no)
