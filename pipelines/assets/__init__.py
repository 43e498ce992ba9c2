"""The Dagster assets, in flow order: raw, tables from SQL, forecast, plan, publication."""
