#!/bin/sh
# All tests. A few that failed among the thousands run once more, alone: real servers share two cores here. What then
# passes is named all the same: it depends on load or on order, and that is a fault to be put right (CONTRIBUTING.md).
set -u
few=5

.venv/bin/pytest -n 3 "$@"
code=$?
[ "$code" -eq 1 ] || exit "$code"
failed=$(.venv/bin/python -c 'import json, sys; print(len(json.load(open(sys.argv[1]))))' .pytest_cache/v/cache/lastfailed)
if [ "$failed" -gt "$few" ]; then
    exit 1
fi
echo "== $failed failed; once more, alone"
.venv/bin/pytest -n 0 --last-failed --last-failed-no-failures none -v "$@" || exit 1
echo "== unsteady: the $failed named above passed alone only; each is a fault to be put right"
