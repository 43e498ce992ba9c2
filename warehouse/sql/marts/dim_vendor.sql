-- One row per vendor.
SELECT
    v.vendor_code,
    v.name,
    v.kind,
    v.credit_days,
    v.quoted_lead_time_days,
    v.is_active
FROM staging.vendors AS v
