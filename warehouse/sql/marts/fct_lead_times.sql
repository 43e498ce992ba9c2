-- One row per vendor and category with a line whose sending is known: how long it takes, open lines included as censored.
-- km_ quantiles are Kaplan and Meier's: the first day by which the share of lines still waiting, estimated from all that
-- waited so long, is down to 1 - p; null while it is not. p50 and p90 are of the ended lines alone, and too short when the
-- slow ones are still open.
WITH waits AS (
    SELECT
        vendor_code,
        category,
        greatest(coalesce(lead_time_days, waited_days), 0) AS days,
        lead_time_days IS NOT NULL AS is_ended
    FROM marts.fct_purchase_lines
    WHERE vendor_code IS NOT NULL AND coalesce(lead_time_days, waited_days) IS NOT NULL
),
steps AS (
    SELECT
        vendor_code,
        category,
        days,
        count(*) FILTER (WHERE is_ended) AS ended,
        sum(count(*)) OVER (PARTITION BY vendor_code, category ORDER BY days DESC) AS at_risk
    FROM waits
    GROUP BY vendor_code, category, days
),
curves AS (
    SELECT
        vendor_code,
        category,
        days,
        -- a step to 0 has no logarithm: from there on nobody waits
        CASE
            WHEN bool_or(ended = at_risk) OVER curve THEN 0
            ELSE exp(sum(ln(CASE WHEN ended = at_risk THEN 1 ELSE 1 - ended / at_risk END)) OVER curve)
        END AS waiting_share
    FROM steps
    WINDOW curve AS (PARTITION BY vendor_code, category ORDER BY days)
),
quantiles AS (
    SELECT
        vendor_code,
        category,
        min(days) FILTER (WHERE waiting_share <= 0.5 + 1e-9) AS km_p50_days,
        min(days) FILTER (WHERE waiting_share <= 0.1 + 1e-9) AS km_p90_days
    FROM curves
    GROUP BY vendor_code, category
)
SELECT
    w.vendor_code,
    w.category,
    count(*) FILTER (WHERE w.is_ended) AS ended_lines,
    count(*) FILTER (WHERE NOT w.is_ended) AS censored_lines,
    avg(w.days) FILTER (WHERE w.is_ended) AS mean_days,
    stddev_samp(w.days) FILTER (WHERE w.is_ended) AS sd_days,
    quantile_cont(w.days, 0.5) FILTER (WHERE w.is_ended) AS p50_days,
    quantile_cont(w.days, 0.9) FILTER (WHERE w.is_ended) AS p90_days,
    CAST(any_value(q.km_p50_days) AS BIGINT) AS km_p50_days,
    CAST(any_value(q.km_p90_days) AS BIGINT) AS km_p90_days
FROM waits AS w
JOIN quantiles AS q USING (vendor_code, category)
GROUP BY w.vendor_code, w.category
