"""The figures of a period for one person, as files, and their way into the outbox."""
