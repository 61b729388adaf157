#!/bin/sh
# Puts Ray (a third of a gigabyte) into .venv-ray from requirements-ray.lock, for the tests that run jobs on a real
# Ray: apart, because the product speaks with Ray by HTTP alone. Where it cannot be installed those tests skip and say
# why. Runs again only when the lock changes.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv-ray/.installed-$(cksum < requirements-ray.lock | tr ' ' '-')
[ -e "$stamp" ] && exit 0

if [ ! -x .venv-ray/bin/python ] || ! .venv-ray/bin/python -m pip --version >/dev/null 2>&1; then
    "${PYTHON:-python3}" -m venv .venv-ray
fi
echo "Installing Ray into .venv-ray (once; a third of a gigabyte) ..."
if .venv-ray/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r requirements-ray.lock; then
    rm -f .venv-ray/.installed-*
    touch "$stamp"
else
    echo "Ray could not be installed; the Ray tests will skip." >&2
fi
