"""Forecasts as distributions of weekly demand: model, fallbacks, baselines, accuracy."""
