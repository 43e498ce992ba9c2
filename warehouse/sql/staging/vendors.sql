-- One row per vendor.
SELECT
    vendor_code,
    name,
    kind,
    credit_days,
    quoted_lead_time_days,
    is_active
FROM raw.vendors
