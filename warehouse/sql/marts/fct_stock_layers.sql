-- One row per store, sku, day and source of units that came onto the shelves before as_of, and what became of them: FIFO.
-- Units leave in the order in which they came. Arrivals and departures of a pair are laid along one line of positions; the
-- stretch between two marks belongs to the next arrival's end and the next departure's end. Units that left before any
-- came (a ledger that begins in the middle) belong to no layer. What came back is a layer of its own, from that day.
WITH pairs AS (
    SELECT store_code, sku, row_number() OVER (ORDER BY store_code, sku) AS pair_no
    FROM (SELECT DISTINCT store_code, sku FROM staging.stock_moves)
),
moves AS (
    SELECT
        p.pair_no,
        m.moved_on,
        m.quantity,
        m.unit_cost,
        CASE
            WHEN m.kind IN ('opening', 'receipt', 'return') THEN m.kind
            WHEN m.kind IN ('transfer', 'transfer_receive') THEN 'transfer'
            ELSE 'correction'
        END AS source,
        m.kind = 'sale' AS is_sale
    FROM staging.stock_moves AS m
    JOIN pairs AS p USING (store_code, sku)
    CROSS JOIN staging.chain AS c
    WHERE m.moved_on < c.as_of
),
arrivals AS (
    SELECT
        pair_no,
        moved_on AS received_on,
        source,
        sum(quantity) AS received_qty,
        sum(quantity * unit_cost) FILTER (WHERE unit_cost IS NOT NULL) / sum(quantity) FILTER (WHERE unit_cost IS NOT NULL)
            AS layer_cost
    FROM moves
    WHERE quantity > 0
    GROUP BY pair_no, moved_on, source
),
layers AS (
    SELECT
        *,
        row_number() OVER (ORDER BY pair_no, received_on, source) AS layer_no,
        sum(received_qty) OVER (PARTITION BY pair_no ORDER BY received_on, source) AS position
    FROM arrivals
),
departures AS (
    SELECT
        pair_no,
        moved_on AS left_on,
        is_sale,
        sum(sum(-quantity)) OVER (PARTITION BY pair_no ORDER BY moved_on, is_sale) AS position
    FROM moves
    WHERE quantity < 0
    GROUP BY pair_no, moved_on, is_sale
),
marks AS (
    SELECT pair_no, position, max(layer_no) AS layer_no, max(left_on) AS left_on, max(is_sale) AS is_sale
    FROM (
        SELECT pair_no, position, layer_no, NULL AS left_on, NULL AS is_sale FROM layers
        UNION ALL
        SELECT pair_no, position, NULL, left_on, is_sale FROM departures
    )
    GROUP BY pair_no, position
),
stretches AS (
    SELECT
        position - coalesce(lag(position) OVER (PARTITION BY pair_no ORDER BY position), 0) AS quantity,
        first_value(layer_no IGNORE NULLS) OVER ahead AS layer_no,
        first_value(left_on IGNORE NULLS) OVER ahead AS left_on,
        first_value(is_sale IGNORE NULLS) OVER ahead AS is_sale
    FROM marks
    WINDOW ahead AS (PARTITION BY pair_no ORDER BY position ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
),
fates AS (
    SELECT
        s.layer_no,
        sum(s.quantity) FILTER (WHERE s.is_sale) AS sold_qty,
        sum(s.quantity) FILTER (WHERE s.is_sale AND s.left_on <= l.received_on + 30) AS sold_30_qty,
        sum(s.quantity) FILTER (WHERE s.is_sale AND s.left_on <= l.received_on + 60) AS sold_60_qty,
        sum(s.quantity) FILTER (WHERE s.is_sale AND s.left_on <= l.received_on + 90) AS sold_90_qty,
        sum(s.quantity) FILTER (WHERE s.is_sale AND s.left_on <= l.received_on + 180) AS sold_180_qty,
        sum(s.quantity) FILTER (WHERE s.left_on IS NULL) AS on_hand_qty
    FROM stretches AS s
    JOIN layers AS l USING (layer_no)
    GROUP BY s.layer_no
),
costs AS (SELECT store_code, sku, unit_cost, is_cost_estimated FROM marts.fct_stock_spans WHERE to_on IS NULL)
SELECT
    p.store_code,
    p.sku,
    l.received_on,
    l.source,
    CAST(c.as_of - l.received_on AS BIGINT) AS age_days,
    CASE
        WHEN c.as_of - l.received_on <= 30 THEN '0-30'
        WHEN c.as_of - l.received_on <= 60 THEN '31-60'
        WHEN c.as_of - l.received_on <= 90 THEN '61-90'
        WHEN c.as_of - l.received_on <= 180 THEN '91-180'
        WHEN c.as_of - l.received_on <= 365 THEN '181-365'
        ELSE 'over 365'
    END AS age_band,
    CAST(l.received_qty AS BIGINT) AS received_qty,
    CAST(coalesce(f.sold_qty, 0) AS BIGINT) AS sold_qty,
    CAST(coalesce(f.sold_30_qty, 0) AS BIGINT) AS sold_30_qty,
    CAST(coalesce(f.sold_60_qty, 0) AS BIGINT) AS sold_60_qty,
    CAST(coalesce(f.sold_90_qty, 0) AS BIGINT) AS sold_90_qty,
    CAST(coalesce(f.sold_180_qty, 0) AS BIGINT) AS sold_180_qty,
    CAST(coalesce(f.on_hand_qty, 0) AS BIGINT) AS on_hand_qty,
    CAST(coalesce(l.layer_cost, k.unit_cost) AS DECIMAL(14, 4)) AS unit_cost,
    l.layer_cost IS NULL AND coalesce(k.is_cost_estimated, FALSE) AS is_cost_estimated,
    CAST(coalesce(f.on_hand_qty, 0) * CAST(coalesce(l.layer_cost, k.unit_cost) AS DECIMAL(14, 4)) AS DECIMAL(18, 4)) AS cost_amount
FROM layers AS l
JOIN pairs AS p USING (pair_no)
CROSS JOIN staging.chain AS c
LEFT JOIN fates AS f USING (layer_no)
LEFT JOIN costs AS k USING (store_code, sku)
