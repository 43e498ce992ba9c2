"""Deciding on suggested orders: what may be decided, the dialogs that ask for it, and what came of it."""
