-- One row per pair of spectacles to be made that was not called off: how long it took, and what went wrong.
-- Business days are Mondays to Fridays after the day of the order, up to the day on which the job was first ready. A remake
-- counts whoever's fault it was; a non-adapt counts within 45 days of delivery.
WITH courses AS (
    SELECT
        e.lab_job_id,
        min(e.happened_on) FILTER (WHERE e.to_state = 'ready') AS ready_on,
        max(e.happened_on) FILTER (WHERE e.to_state = 'delivered') AS delivered_on,
        arg_min(e.to_state, (e.happened_at, e.lab_job_event_id)) FILTER (
            WHERE e.from_state = 'qc' AND e.to_state IN ('ready', 'qc_failed')
        ) AS first_qc
    FROM staging.lab_job_events AS e
    CROSS JOIN staging.chain AS c
    WHERE e.happened_on < c.as_of
    GROUP BY e.lab_job_id
),
failures AS (
    SELECT
        r.lab_job_id,
        count(*) AS remakes,
        CAST(sum(r.spoilage_cost_amount) AS DECIMAL(18, 2)) AS spoilage_cost_amount,
        arg_min(r.reason, r.attempt) AS reason,
        arg_min(r.fault, r.attempt) AS fault
    FROM staging.remakes AS r
    CROSS JOIN staging.chain AS c
    WHERE r.recorded_on < c.as_of
    GROUP BY r.lab_job_id
),
lenses AS (
    SELECT
        l.sales_order_id,
        l.pair_group,
        arg_max(p.lens_kind, list_position(['SV', 'READING', 'OFFICE', 'BIFOCAL', 'PROGRESSIVE'], p.lens_kind)) AS lens_kind
    FROM staging.sales_lines AS l
    JOIN staging.products AS p USING (sku)
    WHERE l.pair_group IS NOT NULL AND p.lens_kind IS NOT NULL
    GROUP BY l.sales_order_id, l.pair_group
),
jobs AS (
    SELECT
        j.*,
        o.booked_on,
        k.ready_on,
        k.delivered_on,
        k.first_qc,
        -- weekdays since Monday 5 January 1970: 5 of each whole week, and those of the week begun
        5 * ((o.booked_on - DATE '1970-01-05') // 7) + least((o.booked_on - DATE '1970-01-05') % 7, 4) AS booked_weekday,
        5 * ((k.ready_on - DATE '1970-01-05') // 7) + least((k.ready_on - DATE '1970-01-05') % 7, 4) AS ready_weekday
    FROM staging.lab_jobs AS j
    JOIN staging.sales_orders AS o USING (sales_order_id)
    LEFT JOIN courses AS k USING (lab_job_id)
    WHERE j.state <> 'cancelled'
)
SELECT
    j.lab_job_id,
    j.job_number,
    j.store_code,
    j.vendor_code,
    coalesce(l.lens_kind, 'UNKNOWN') AS lens_kind,
    j.booked_on,
    j.promised_on,
    j.ready_on,
    j.delivered_on,
    j.state,
    CAST(j.ready_weekday - j.booked_weekday AS BIGINT) AS turnaround_days,
    CASE WHEN j.ready_on IS NOT NULL THEN j.ready_on <= j.promised_on END AS is_on_time,
    coalesce(j.promised_on < c.as_of, FALSE) AND j.ready_on IS NULL AS is_late_now,
    CAST(greatest(coalesce(f.remakes, 0), j.rework_count) AS BIGINT) AS remakes,
    greatest(coalesce(f.remakes, 0), j.rework_count) > 0 AS is_remade,
    f.reason AS remake_reason,
    f.fault AS remake_fault,
    f.spoilage_cost_amount,
    j.first_qc = 'ready' AS is_first_pass,
    coalesce(n.reported_on BETWEEN j.delivered_on AND j.delivered_on + 45 AND n.reported_on < c.as_of, FALSE) AS is_non_adapt,
    n.reason AS non_adapt_reason
FROM jobs AS j
CROSS JOIN staging.chain AS c
LEFT JOIN lenses AS l USING (sales_order_id, pair_group)
LEFT JOIN failures AS f USING (lab_job_id)
LEFT JOIN staging.non_adapts AS n USING (lab_job_id)
WHERE j.booked_on < c.as_of
