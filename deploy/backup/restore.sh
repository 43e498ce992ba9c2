#!/usr/bin/env bash
# Brings database and lake back, onto empty folders: restore.sh            to the last moment in the archive
#                                                    restore.sh "2026-11-26 08:59:30+00"  to that moment
# Refuses folders that hold something. Afterwards start PostgreSQL, which replays the log, and look:
#   ims lake verify && ims invariants && ims audit verify && ims smoke
set -euo pipefail
. "$(dirname "$0")/settings.sh"
moment=${1:-}
for part in lake keys; do
    [ -z "$(ls -A "$IMS_HOME/$part" 2>/dev/null)" ] ||
        { echo "$IMS_HOME/$part is not empty: restore onto an empty folder, and nothing is lost by a mistake." >&2; exit 1; }
done
# the first copy that began at or after the moment; without a moment the newest
copy=$(restic snapshots --host ims --json | python3 -c '
import datetime as dt, json, sys
moment = dt.datetime.fromisoformat(sys.argv[1]) if sys.argv[1] else None
copies = sorted((c["time"][:19] + "+00:00", c["id"]) for c in json.load(sys.stdin))
later = [id for at, id in copies if moment and dt.datetime.fromisoformat(at) >= moment]
print(later[0] if later else copies[-1][1])
' "$moment")
say "database: restoring${moment:+ to $moment}"
if [ -n "$moment" ]; then
    database restore --type=time --target="$moment" --target-action=promote
else
    database restore
fi
say "lake: restoring copy ${copy:0:8}"
mkdir -p "$IMS_HOME"
restic restore --quiet --verify --target "$IMS_HOME" "$copy"
say "done: start PostgreSQL"
