"""What a generated chain looks like in figures, beside what is known of real ones."""
