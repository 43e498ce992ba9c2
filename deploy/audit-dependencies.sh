#!/bin/sh
# Known vulnerabilities in what uv.lock names. Where the advisory service cannot be reached it says "not run", never
# "clean": a release with well-known advisories is asked about as well, and whoever knows nothing of it knows nothing.
# A finding that cannot be fixed yet is waived in deploy/waived-advisories.txt until a day: "<id> <yyyy-mm-dd> <why>".
set -eu
bin=${1:-.venv/bin}
waivers=$(dirname "$0")/waived-advisories.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

uv=$(command -v uv || echo "$bin/uv")
"$uv" export --quiet --locked --all-groups --no-emit-project --no-hashes >"$work/locked.txt"
echo "jinja2==2.10" >"$work/known.txt"

ask() {
    timeout 300 "$bin/pip-audit" --requirement "$1" --no-deps --disable-pip --timeout 10 \
        --progress-spinner off --format json >"$2" 2>"$work/errors" || true
}
ask "$work/known.txt" "$work/known.json"
ask "$work/locked.txt" "$work/locked.json"

"$bin/python" - "$work" "$waivers" <<'END'
import datetime as dt
import json
import sys
from pathlib import Path

work, waivers = map(Path, sys.argv[1:])


def read(name):
    try:
        return json.loads((work / name).read_text())["dependencies"]
    except (ValueError, KeyError):
        return []


if not any(each.get("vulns") for each in read("known.json")):
    print("pip-audit: not run: the advisory service cannot be reached, or knows no advisories")
    sys.exit(0)
packages = read("locked.json")
skipped = [each["name"] for each in packages if "skip_reason" in each]
if not packages or len(skipped) == len(packages):
    print("pip-audit: not run: nothing was answered about the locked packages")
    sys.exit(0)
waived = {}
for line in waivers.read_text().splitlines():
    if line.strip() and not line.startswith("#"):
        identifier, until, _ = line.split(maxsplit=2)
        waived[identifier] = dt.date.fromisoformat(until)
open_findings = [
    f"{each['name']} {each['version']}: {found['id']} (fixed in {', '.join(found['fix_versions']) or 'nothing yet'})"
    for each in packages
    for found in each.get("vulns", ())
    if waived.get(found["id"], dt.date.min) < dt.date.today()
]
if skipped:
    print(f"pip-audit: not asked about: {', '.join(skipped)}")
if open_findings:
    print("pip-audit: known vulnerabilities; raise the versions, or waive each with a date in", waivers)
    print("\n".join(open_findings))
    sys.exit(1)
print(f"pip-audit: no known vulnerability in {len(packages) - len(skipped)} packages, {len(waived)} waived")
END
