#!/usr/bin/env bash
# A chromium for the browser tests: Debian's package where we may install it, else playwright's own build.
set -eu
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
else
    .venv/bin/playwright install chromium
fi
