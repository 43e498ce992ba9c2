"""Alerts as people see them: what is open, acting on one, where it is looked into, and how many were acted on."""
