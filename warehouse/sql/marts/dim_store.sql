-- One row per store or warehouse.
SELECT
    s.store_code,
    s.name,
    s.kind,
    s.city,
    s.region,
    s.cluster,
    s.opened_on,
    s.closed_on,
    coalesce(s.opened_on <= c.as_of, TRUE) AND coalesce(s.closed_on > c.as_of, TRUE) AS is_open,
    s.brand,
    s.state_code,
    s.floor_area_sqft,
    s.frame_board_capacity,
    s.is_online
FROM staging.stores AS s
CROSS JOIN staging.chain AS c
