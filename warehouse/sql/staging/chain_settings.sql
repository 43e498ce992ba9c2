-- One row per setting of the chain.
SELECT key, value
FROM raw.chain_settings
