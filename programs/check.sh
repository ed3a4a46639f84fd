#!/usr/bin/env bash
# Tests, lints and formatting of the Rust workspace on the host; needs rustup's stable toolchain, not the sBPF one.
# usage: programs/check.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
passed=0 failed=0

step() {
  local sentence=$1
  shift
  if "$@"; then passed=$((passed + 1)); echo "ok    $sentence"
  else failed=$((failed + 1)); echo "FAIL  $sentence" >&2; fi
}

step "the sources are formatted" cargo fmt --all --check
step "clippy has nothing to say" cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
step "the host tests pass" cargo test --quiet --locked --workspace
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
