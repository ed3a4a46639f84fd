#!/usr/bin/env bash
# Tests, lints and formatting of the Rust workspace on the host, by the machine's own stable Rust; the sBPF toolchain is not needed.
# usage: programs/check.sh [--tests]      --tests runs the tests alone
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
command -v cargo > /dev/null || export PATH=$PATH:/usr/bin
passed=0 failed=0

ok() { passed=$((passed + 1)); echo "ok    $1"; }
bad() { failed=$((failed + 1)); echo "FAIL  $1" >&2; }
finish() { echo "$passed passed, $failed failed"; [[ $failed -eq 0 ]]; exit; }

# step SENTENCE COMMAND...: the command's output is shown when it fails.
step() {
  local sentence=$1 output
  shift
  if output=$("$@" 2>&1); then ok "$sentence"; else echo "$output" >&2; bad "not so: $sentence"; fi
}

# left_out GROUP COMMAND: a part that this machine cannot run; under CI that is a failure.
left_out() {
  echo "not run: $1; install it with: $2" >&2
  [[ ${CI:-} == true ]] && bad "$1 cannot run here"
  return 0
}

tests() {
  local output
  if ! output=$(cargo test --quiet --locked --workspace --all-targets 2>&1); then echo "$output" >&2; bad "the host tests fail"
  else ok "the host tests pass ($(grep -oE '[0-9]+ passed' <<< "$output" | awk '{ sum += $1 } END { print sum }') of them)"; fi
}

formatting() {
  if cargo fmt --version > /dev/null 2>&1; then step "the sources are formatted" cargo fmt --all --check
  else left_out "the Rust formatter" "rustup component add rustfmt"; fi
}

lints() {
  if cargo clippy --version > /dev/null 2>&1; then
    step "clippy has nothing to say" cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
  else left_out "the Rust lints" "rustup component add clippy"; fi
}

case ${1:-} in
  '' | --tests) ;;
  *) echo "usage: programs/check.sh [--tests]" >&2; exit 2 ;;
esac
if ! command -v cargo > /dev/null; then
  left_out "the Rust tests" "bash programs/toolchain/setup.sh"
  finish
fi
tests
[[ ${1:-} == --tests ]] && finish
formatting
lints
finish
