#!/usr/bin/env bash
# What the drills need beside IMS: Debian's packages, where we may install them. PostgreSQL's own cluster is not started.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
apt-get install -y -qq --no-install-recommends postgresql-15 pgbackrest restic haproxy nginx-light iproute2 openssl >/dev/null
