"""WHEN and in which order: Dagster assets in flow order, extract, publish, exports."""
