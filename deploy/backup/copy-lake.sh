#!/usr/bin/env bash
# The lake's files and the keys that IMS made itself, into an encrypted repository: every 5 minutes (crontab), and after
# each backup of the database. Files of the lake never change, so only new ones travel. A copy that begins at a moment
# holds every file that the catalog named at that moment: a file is written before the catalog names it, and removed two
# days after the catalog has let go of it. So the copy comes after the database, never before (docs/decisions.md).
# A lake on object storage (IMS_LAKE_PATH=s3://…) is not copied: its bucket keeps versions for 30 days.
set -euo pipefail
. "$(dirname "$0")/settings.sh"
cd "$IMS_HOME"
restic cat config >/dev/null 2>&1 || restic init --quiet
parts=(lake)
[ ! -d keys ] || parts+=(keys)
restic backup --quiet --host ims "${parts[@]}"
