-- One row per vendor and time in which its terms hold.
SELECT
    v.vendor_code,
    t.minimum_order_amount,
    t.order_weekdays,
    t.valid_from_on,
    t.valid_to_on
FROM raw.vendor_terms AS t
JOIN raw.vendors AS v USING (vendor_id)
