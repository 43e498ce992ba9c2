"""How old a table may be before somebody looks: the policy of the Dagster assets and of the Pipeline view."""

from __future__ import annotations

# two quiet nights are looked at, a quiet week is a fault: many chains import once a week
WARN_DAYS, FAIL_DAYS = 2, 8
