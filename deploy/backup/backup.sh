#!/usr/bin/env bash
# Nightly: a full backup of the database, then the lake's files, then what is older than 30 days goes.
set -euo pipefail
here=$(dirname "$0")
. "$here/settings.sh"
say "database: full backup"
database backup --type=full
say "lake: files"
"$here/copy-lake.sh"
# of the past days one copy each is enough: no file goes from the lake within two days
restic forget --quiet --host ims --group-by host --keep-within 2d --keep-within-daily "${KEEP_DAYS}d" --prune
note ims_backup_finished_seconds
say "done"
