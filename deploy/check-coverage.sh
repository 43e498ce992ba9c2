#!/bin/sh
# What the tests ran of the packages (90 %), and with branches of what must not be wrong (95 %): ledger and money, who
# may do what, the order's policy, publishing. Reads what `make coverage` counted.
set -u
bin=${1:-.venv/bin}
critical="api/identity/*,api/services/ledger.py,api/services/stock_moves.py,api/services/balances.py,\
api/services/publication.py,api/services/audit.py,api/services/audit_integrity.py,api/services/acting.py,\
models/policy/*,pipelines/assets/publication.py,pipelines/lock.py"

[ -n "$(ls .coverage.* 2>/dev/null)" ] && "$bin/coverage" combine --quiet
"$bin/coverage" report --fail-under=90 || status=1
echo
"$bin/coverage" report --fail-under=95 --include="$critical" || status=1
echo "coverage: $("$bin/coverage" report --format=total) % of the packages," \
    "$("$bin/coverage" report --format=total --include="$critical") % of what must not be wrong"
exit "${status:-0}"
