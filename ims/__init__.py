"""The front door: settings, embedded PostgreSQL, command line, web app, demo chain."""
