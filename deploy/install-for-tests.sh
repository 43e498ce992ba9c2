#!/usr/bin/env bash
# What the tests drive beside IMS itself: a chromium and a Redis. Debian's packages where we may install them.
set -eu
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium redis-server >/dev/null
else
    command -v chromium >/dev/null || .venv/bin/playwright install chromium
    command -v redis-server >/dev/null || { echo "The tests need redis-server: install it with your system's packages." >&2; exit 1; }
fi
