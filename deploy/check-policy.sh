#!/bin/sh
# Policies for what is deployed, by checkov: the image, both overlays as rendered, Terraform, the workflows. What is not
# followed is named with its reason in deploy/checkov.yaml, or beside the resource. Not a dependency of ours: it pins
# a hundred packages of its own.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for overlay in staging production; do
    deploy/kubernetes/render.sh "$overlay" >"$work/$overlay.yaml"
done
set -- --file "$work/staging.yaml" "$work/production.yaml" deploy/image/Dockerfile
checkov() {
    "$(command -v uv || echo .venv/bin/uv)" tool run --quiet --from checkov==3.3.30 checkov \
        --config-file deploy/checkov.yaml --output json "$@" >"$work/found.json" || true
    .venv/bin/python - "$work/found.json" <<'END'
import json
import sys

found = json.load(open(sys.argv[1]))
reports = [each for each in (found if isinstance(found, list) else [found]) if "check_type" in each]
passed = sum(each["summary"]["passed"] for each in reports)
failed = [each for report in reports for each in report["results"]["failed_checks"]]
for each in failed:
    print(f"{each['check_id']} {each['resource']} ({each['file_path']}): {each['check_name']}")
broken = [path for report in reports for path in report["results"].get("parsing_errors", ())]
if failed or broken or not passed:
    sys.exit(f"checkov: {len(failed)} policies not kept, files that cannot be read: {broken}, {passed} kept")
print(f"checkov: {passed} policies kept in {', '.join(sorted(each['check_type'] for each in reports))}")
END
}
checkov "$@"
