-- One row per order line, returned order line or day's total before as_of: units and money, a return below zero.
-- Times of a sale are those of its order; a return counts on the day it came back, and came_back_* of the sale's own row
-- say what became of it later. A cost that was not recorded at the sale is the moving average of receipts on its day, else
-- what the chain stated for that day or for the product: is_cost_estimated says so. item_qty counts a pair, frame and
-- lenses, once. What the checks hold back is left out.
WITH lines AS NOT MATERIALIZED (
    SELECT
        l.*,
        o.customer_id AS record_customer_id,
        o.patient_id,
        o.salesperson,
        o.channel,
        o.kind AS order_kind,
        p.kind AS product_kind,
        p.tax_class,
        p.unit_cost AS product_unit_cost
    FROM staging.sales_lines AS l
    JOIN staging.products AS p USING (sku)
    CROSS JOIN staging.chain AS c
    LEFT JOIN staging.sales_orders AS o USING (sales_order_id)
    WHERE l.booked_on < c.as_of AND NOT l.is_held_back
),
came_back AS (
    SELECT
        'order_line' AS record,
        'sale' AS kind,
        returned_line_id AS line_id,
        CAST(sum(returned_qty) AS BIGINT) AS came_back_qty,
        CAST(-sum(net_amount) AS DECIMAL(14, 2)) AS came_back_amount
    FROM lines
    WHERE returned_line_id IS NOT NULL
    GROUP BY returned_line_id
),
averages AS (SELECT sku, valid_from_on, unit_cost FROM marts.dim_cost WHERE source = 'moving_average'),
stated AS (
    SELECT sku, store_code, valid_from_on, coalesce(valid_to_on, DATE '9999-12-31') AS valid_to_on, unit_cost
    FROM marts.dim_cost
    WHERE source = 'history'
),
-- joined by day, not by line: few days of a sku lack a cost, and a day has one rate
uncosted AS (SELECT DISTINCT sku, sale_booked_on FROM lines WHERE unit_cost IS NULL),
of_chain AS (
    SELECT
        u.sku,
        u.sale_booked_on,
        a.unit_cost AS average_cost,
        CASE WHEN u.sale_booked_on <= s.valid_to_on THEN s.unit_cost END AS stated_cost
    FROM uncosted AS u
    ASOF LEFT JOIN averages AS a ON a.sku = u.sku AND a.valid_from_on <= u.sale_booked_on
    ASOF LEFT JOIN (SELECT * FROM stated WHERE store_code IS NULL) AS s
        ON s.sku = u.sku AND s.valid_from_on <= u.sale_booked_on
),
of_store AS (
    SELECT u.sku, u.store_code, u.sale_booked_on, s.unit_cost AS own_cost
    FROM (
        SELECT DISTINCT sku, store_code, sale_booked_on
        FROM lines
        SEMI JOIN stated USING (sku, store_code)
        WHERE unit_cost IS NULL
    ) AS u
    ASOF JOIN (SELECT * FROM stated WHERE store_code IS NOT NULL) AS s
        ON s.sku = u.sku AND s.store_code = u.store_code AND s.valid_from_on <= u.sale_booked_on
    WHERE u.sale_booked_on <= s.valid_to_on
),
costed AS NOT MATERIALIZED (
    SELECT l.*, coalesce(l.unit_cost, h.average_cost, w.own_cost, h.stated_cost, l.product_unit_cost) AS known_cost
    FROM lines AS l
    LEFT JOIN of_chain AS h USING (sku, sale_booked_on)
    LEFT JOIN of_store AS w USING (sku, store_code, sale_booked_on)
),
rates AS (
    SELECT d.tax_class, d.sale_booked_on, r.tax_rate
    FROM (SELECT DISTINCT tax_class, sale_booked_on FROM lines) AS d
    JOIN marts.dim_tax_rate AS r
        ON r.tax_class = d.tax_class
        AND d.sale_booked_on >= r.valid_from_on
        AND coalesce(d.sale_booked_on <= r.valid_to_on, TRUE)
),
-- the line that stands for its pair: that of the frame, else the first
of_pairs AS (
    SELECT
        record,
        kind,
        arg_min(line_id, struct_pack(is_other := product_kind NOT IN ('frame', 'sunglass'), line_id := line_id)) AS line_id
    FROM lines
    WHERE kind = 'sale' AND pair_group IS NOT NULL
    GROUP BY record, kind, sales_order_id, pair_group
),
valued AS (
    SELECT kind, sales_order_id
    FROM lines
    WHERE kind = 'sale' AND sales_order_id IS NOT NULL
    GROUP BY kind, sales_order_id
    HAVING sum(net_amount) > 0
)
SELECT
    l.record,
    l.line_id,
    l.kind,
    l.sales_order_id,
    l.booked_on,
    l.delivered_on,
    l.sale_booked_on,
    l.sale_delivered_on,
    l.store_code,
    l.sku,
    l.product_kind,
    k.survivor_id AS customer_id,
    l.patient_id,
    l.salesperson,
    l.channel,
    l.order_kind,
    l.prescription_source,
    l.pair_group,
    l.condition,
    l.sold_qty,
    l.returned_qty,
    l.sold_qty - l.returned_qty AS net_qty,
    CASE
        WHEN l.kind <> 'sale' THEN 0
        WHEN l.pair_group IS NULL THEN l.sold_qty
        WHEN n.line_id IS NOT NULL THEN 1
        ELSE 0
    END AS item_qty,
    l.list_amount,
    l.mrp_amount,
    l.discount_amount,
    l.net_amount,
    l.tax_amount,
    l.gross_amount,
    l.tax_rate,
    r.tax_rate AS dated_tax_rate,
    l.known_cost AS unit_cost,
    CAST((l.sold_qty - l.returned_qty) * l.known_cost AS DECIMAL(18, 4)) AS cost_amount,
    l.unit_cost IS NULL AND l.known_cost IS NOT NULL AS is_cost_estimated,
    v.sales_order_id IS NOT NULL AS is_of_valued_order,
    b.came_back_qty,
    b.came_back_amount
FROM costed AS l
LEFT JOIN (SELECT customer_id AS record_customer_id, survivor_id FROM staging.customers) AS k USING (record_customer_id)
LEFT JOIN came_back AS b USING (record, kind, line_id)
LEFT JOIN of_pairs AS n USING (record, kind, line_id)
LEFT JOIN valued AS v USING (kind, sales_order_id)
LEFT JOIN rates AS r USING (tax_class, sale_booked_on)
-- whoever asks for some days reads these days' rows alone
ORDER BY l.booked_on
