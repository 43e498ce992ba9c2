#!/bin/sh
# Policies for what is deployed, by checkov: the image, both overlays as rendered, Terraform, the workflows. What is not
# followed is named with its reason in deploy/checkov.yaml, or beside the resource. Not a dependency of ours: it pins
# a hundred packages of its own.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/deployed/.github"
for overlay in staging production; do
    deploy/kubernetes/render.sh "$overlay" >"$work/deployed/$overlay.yaml"
done
cp -r deploy/image deploy/terraform "$work/deployed"
cp -r .github/workflows "$work/deployed/.github"

"$(command -v uv || echo .venv/bin/uv)" tool run --quiet --from checkov==3.3.30 checkov \
    --config-file deploy/checkov.yaml --directory "$work/deployed" --output json >"$work/found.json" || true

.venv/bin/python - "$work/found.json" <<'END'
import json
import sys

with open(sys.argv[1]) as file:
    found = json.load(file)
reports = {each["check_type"]: each for each in found if "check_type" in each}
missing = {"dockerfile", "github_actions", "kubernetes", "terraform"} - set(reports)
failed = [each for report in reports.values() for each in report["results"]["failed_checks"]]
broken = [path for report in reports.values() for path in report["results"].get("parsing_errors", ())]
kept = sum(each["summary"]["passed"] for each in reports.values())
for each in failed:
    print(f"{each['check_id']} {each['resource']} ({each['file_path']}): {each['check_name']}")
if failed or broken or missing:
    sys.exit(f"checkov: {len(failed)} policies not kept; cannot be read: {broken}; not looked at: {sorted(missing)}")
print(f"checkov: {kept} policies kept in {', '.join(sorted(reports))}")
END
