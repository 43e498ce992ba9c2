-- One row per line of a purchase order that was sent: what was ordered, what came of it and how long it took.
-- The lead time ends when the line was accepted in full, or with its last acceptance where it was closed short. An open line
-- has none yet: it is censored, after the days it has waited. Where no receipt names the line, its own units stand.
WITH accepted AS (
    SELECT
        r.purchase_order_line_id,
        r.accepted_on,
        sum(sum(r.accepted_qty)) OVER (PARTITION BY r.purchase_order_line_id ORDER BY r.accepted_on) AS so_far_qty
    FROM staging.receipt_lines AS r
    CROSS JOIN staging.chain AS c
    WHERE r.accepted_qty > 0 AND r.accepted_on < c.as_of
    GROUP BY r.purchase_order_line_id, r.accepted_on
),
received AS (
    SELECT
        r.purchase_order_line_id,
        sum(r.received_qty) AS received_qty,
        sum(r.accepted_qty) AS accepted_qty,
        sum(r.rejected_qty) AS rejected_qty
    FROM staging.receipt_lines AS r
    CROSS JOIN staging.chain AS c
    WHERE r.received_on < c.as_of
    GROUP BY r.purchase_order_line_id
),
ended AS (
    SELECT
        l.purchase_order_line_id,
        min(a.accepted_on) AS first_accepted_on,
        max(a.accepted_on) AS last_accepted_on,
        min(a.accepted_on) FILTER (WHERE a.so_far_qty >= l.ordered_qty) AS completed_on
    FROM staging.purchase_lines AS l
    JOIN accepted AS a USING (purchase_order_line_id)
    GROUP BY l.purchase_order_line_id
),
lines AS (
    SELECT
        l.*,
        p.category,
        c.as_of,
        l.state = 'open' AS is_open,
        CAST(coalesce(r.received_qty, l.received_qty + l.rejected_qty) AS BIGINT) AS came_qty,
        CAST(coalesce(r.accepted_qty, l.received_qty) AS BIGINT) AS taken_qty,
        CAST(coalesce(r.rejected_qty, l.rejected_qty) AS BIGINT) AS refused_qty,
        e.first_accepted_on,
        e.last_accepted_on,
        e.completed_on,
        coalesce(e.completed_on, CASE WHEN NOT is_open THEN e.last_accepted_on END) AS ended_on,
        -- called off before its day, with nothing taken in, it was never due
        l.expected_on < c.as_of AND NOT (l.state = 'cancelled' AND taken_qty = 0 AND coalesce(l.closed_on <= l.expected_on, TRUE))
            AS is_due
    FROM staging.purchase_lines AS l
    JOIN staging.products AS p USING (sku)
    CROSS JOIN staging.chain AS c
    LEFT JOIN received AS r USING (purchase_order_line_id)
    LEFT JOIN ended AS e USING (purchase_order_line_id)
    WHERE coalesce(l.sent_on < c.as_of, TRUE)
)
SELECT
    l.purchase_order_line_id,
    l.order_ref,
    l.store_code,
    l.sku,
    l.vendor_code,
    l.category,
    l.sent_on,
    l.expected_on,
    l.first_accepted_on,
    l.last_accepted_on,
    l.completed_on,
    CAST(l.ordered_qty AS BIGINT) AS ordered_qty,
    l.came_qty AS received_qty,
    l.taken_qty AS accepted_qty,
    l.refused_qty AS rejected_qty,
    CAST(l.cancelled_qty AS BIGINT) AS cancelled_qty,
    CAST(l.open_qty AS BIGINT) AS open_qty,
    CAST(l.ordered_qty * l.unit_price AS DECIMAL(18, 4)) AS ordered_cost_amount,
    CAST(l.ended_on - l.sent_on AS BIGINT) AS lead_time_days,
    l.is_open,
    CASE WHEN l.is_open AND l.completed_on IS NULL THEN CAST(l.as_of - l.sent_on AS BIGINT) END AS waited_days,
    l.is_due,
    l.is_due AND coalesce(l.completed_on <= l.expected_on, FALSE) AS is_on_time_in_full,
    CASE
        WHEN NOT l.is_open THEN NULL
        WHEN l.as_of - l.expected_on >= 14 THEN 'CRITICALLY_OVERDUE'
        WHEN l.as_of - l.expected_on >= 1 THEN 'OVERDUE'
        ELSE 'ON_TIME'
    END AS backorder_state
FROM lines AS l
