"""What must always hold in the operational database: one SQL file each, its first line says what, its rows break it."""
