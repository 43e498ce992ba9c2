#!/usr/bin/env bash
# Weekly: every byte of both repositories is read and compared with its checksum. Ends with 1 where one differs.
set -euo pipefail
. "$(dirname "$0")/settings.sh"
found=$(database verify --output=text --verbose 2>&1) || { echo "$found" >&2; echo "The backup of the database is damaged." >&2; exit 1; }
if grep -Eq 'checksum invalid: [1-9]|size invalid: [1-9]|missing: [1-9]|other: [1-9]|status: (error|invalid)' <<<"$found"; then
    echo "$found" >&2
    echo "The backup of the database is damaged." >&2
    exit 1
fi
restic check --quiet --read-data || { echo "The copy of the lake is damaged." >&2; exit 1; }
note ims_backup_verified_seconds
say "every byte of both repositories is as it was written"
