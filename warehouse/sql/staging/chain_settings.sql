-- One row per setting of the chain that has a value; null leaves it to its reader.
SELECT key, value
FROM raw.chain_settings
WHERE value <> 'null'
