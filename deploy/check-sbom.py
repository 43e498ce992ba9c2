"""The bill of materials names what uv.lock locks for the image: each with version and purl, none missing.

python deploy/check-sbom.py build/sbom.json
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

root = Path(__file__).parents[1]
bill = json.loads(Path(sys.argv[1]).read_text())
components = {each["name"]: each for each in bill["components"]}
lock = {each["name"]: each for each in tomllib.loads((root / "uv.lock").read_text())["package"]}
direct = {each["name"] for each in lock["ims"]["dependencies"]}

faults = [f"{name} is asked for and not named" for name in sorted(direct - set(components))]
for name, each in components.items():
    locked = {entry["version"] for entry in [lock.get(name)] if entry}
    if not each.get("purl") or each.get("version") not in locked:
        faults.append(f"{name} {each.get('version')} has no purl, or is not what is locked ({', '.join(locked)})")
if bill["bomFormat"] != "CycloneDX" or faults:
    sys.exit("sbom: " + "; ".join(faults or ["this is no CycloneDX"]))
print(f"sbom: {len(components)} packages, CycloneDX {bill['specVersion']}")
