"""What we PREDICT and DECIDE: features, forecast, policy, backtest. Frames in, frames out."""
