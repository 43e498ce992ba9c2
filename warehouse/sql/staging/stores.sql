-- One row per store or warehouse.
SELECT
    store_code,
    name,
    kind,
    city,
    region,
    cluster,
    opened_on,
    closed_on,
    brand,
    state_code,
    floor_area_sqft,
    frame_board_capacity,
    is_online,
    is_head_office
FROM raw.stores
