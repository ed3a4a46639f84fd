#!/usr/bin/env bash
# Every test of the on-chain programs again, on the newer SVM of solders 0.29 in an environment of its own.
#   --units   only prints what each instruction costs there, beside the committed table
# usage: tests/second_opinion/run.sh [--units | pytest arguments]      the environment is $GRIDTOKENX_SVM, by default in the cache folder
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
environment=${GRIDTOKENX_SVM:-${XDG_CACHE_HOME:-$HOME/.cache}/gridtokenx-svm}
stamp=$environment/.installed
program_tests=(tests/integration/programs tests/hostile/programs tests/hostile/client/test_defect_38_events.py)
alone=(--noconftest -p no:cacheprovider) # without conftest, which belongs to the platform's own tests; these need nothing but the chain

# collected PYTHON: the tests that this environment finds.
collected() { "$1" -m pytest --collect-only -q "${alone[@]}" "${program_tests[@]}" | grep '::' | LC_ALL=C sort; }

if ! cmp -s "$here/requirements.lock" "$stamp"; then
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$here/requirements.lock"
  cp "$here/requirements.lock" "$stamp"
fi
cd "$root"
if [[ ${1:-} == --units ]]; then exec "$environment/bin/python" -m tests.second_opinion.units; fi
if [[ -x .venv/bin/pytest ]]; then
  diff <(collected .venv/bin/python) <(collected "$environment/bin/python") \
    || { echo "the two environments do not find the same tests of the programs" >&2; exit 1; }
fi
exec "$environment/bin/python" -m pytest -q -rs "${alone[@]}" "${program_tests[@]}" "$@"
