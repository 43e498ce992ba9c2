"""Readiness for production as a command: 44 lines, what proves each, what was measured, and the verdict."""
