"""Replay of order policies on a chain's own history, in money: simulator, policies, calibration."""
