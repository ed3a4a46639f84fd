#!/usr/bin/env bash
# Every test of the on-chain programs again, on the newer SVM of solders 0.29 in an environment of its own.
# usage: tests/second_opinion/run.sh [pytest arguments]      the environment is $GRIDTOKENX_SVM, by default in the cache folder
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
environment=${GRIDTOKENX_SVM:-${XDG_CACHE_HOME:-$HOME/.cache}/gridtokenx-svm}
stamp=$environment/.installed

if ! cmp -s "$here/requirements.lock" "$stamp"; then
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$here/requirements.lock"
  cp "$here/requirements.lock" "$stamp"
fi
cd "$here/../.."
# Without conftest, which belongs to the platform's own tests; these need nothing but the chain.
exec "$environment/bin/python" -m pytest -q --noconftest -p no:cacheprovider tests/integration/programs tests/hostile/programs "$@"
