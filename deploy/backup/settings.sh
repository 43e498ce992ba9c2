# Read by the scripts beside it: where things are. Each can be given in the environment.
# shellcheck shell=sh disable=SC2034
export IMS_HOME=${IMS_HOME:-/var/lib/ims}                                # the lake and the keys that IMS made itself
export RESTIC_REPOSITORY=${RESTIC_REPOSITORY:-/var/lib/restic}           # or s3:https://…/bucket
export RESTIC_PASSWORD_FILE=${RESTIC_PASSWORD_FILE:-/run/secrets/restic_password}
export RESTIC_CACHE_DIR=${RESTIC_CACHE_DIR:-/var/cache/restic}
FIGURES=${IMS_BACKUP_FIGURES:-/var/lib/node_exporter}                    # read by node_exporter (deploy/monitoring)
KEEP_DAYS=30                                                            # as repo1-retention-full
export TZ=UTC

# pgBackRest as the user who owns the cluster; named on the command line, for a restore writes it into restore_command
database() {
    if [ "$(id -u)" = 0 ]; then set -- runuser -u postgres -- pgbackrest --stanza=ims "$@"; else set -- pgbackrest --stanza=ims "$@"; fi
    "$@"
}

note() { # a figure for the alerts: name, now
    echo "$1 $(date +%s)" >"$FIGURES/$1.prom.new" && mv "$FIGURES/$1.prom.new" "$FIGURES/$1.prom"
}

say() { echo "$(date +%H:%M:%S) $*"; }
