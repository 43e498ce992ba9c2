#!/usr/bin/env bash
# What the tests drive beside IMS itself: a chromium, a Redis, an nginx, a PostgreSQL with TLS, and what checks the rules
# of monitoring.
# Debian's packages where we may install them.
set -eu
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq chromium redis-server >/dev/null # with what it recommends: its fonts among others
    apt-get install -y -qq --no-install-recommends prometheus prometheus-alertmanager nginx-light postgresql >/dev/null
else
    command -v chromium >/dev/null || .venv/bin/playwright install chromium
    command -v promtool >/dev/null && command -v amtool >/dev/null ||
        { echo "The tests need promtool and amtool: install prometheus and prometheus-alertmanager." >&2; exit 1; }
    command -v redis-server >/dev/null || { echo "The tests need redis-server: install it with your system's packages." >&2; exit 1; }
fi
