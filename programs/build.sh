#!/usr/bin/env bash
# Compiles the on-chain programs and writes artifacts, IDLs and checksums.
#   --check            writes nothing and compares with what is committed
#   --only-artifacts   compiles and puts the artifacts in place, nothing else (for mutants)
# usage: programs/build.sh [--check | --only-artifacts]      the toolchain folder is $GRIDTOKENX_SBF, by default ${XDG_CACHE_HOME:-~/.cache}/gridtokenx-sbf
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
toolchain=${GRIDTOKENX_SBF:-${XDG_CACHE_HOME:-$HOME/.cache}/gridtokenx-sbf}
programs=(registry oracle energy_token)
wrapper=hostile_wrapper
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ok() { passed=$((passed + 1)); echo "ok    $1"; }
bad() { failed=$((failed + 1)); echo "FAIL  $1" >&2; }
finish() { echo "$passed passed, $failed failed"; [[ $failed -eq 0 ]]; exit; }

# Every file that a program's bytes or an IDL depends on, with its checksum.
source_checksums() {
  cd "$here"
  find Cargo.toml Cargo.lock program-ids* interface guards registry oracle energy_token hostile_wrapper idl_gen toolchain \
    -type f \( -name '*.rs' -o -name '*.toml' -o -name '*.lock' -o -name '*.sh' -o -name 'program-ids*' \) -not -path '*/target/*' -print0 \
    | LC_ALL=C sort -z | xargs -0 sha256sum
}

# keep FILE NEW NAME: puts NEW in place of FILE, or says that they differ.
keep() {
  if cmp -s "$1" "$2"; then ok "$3"
  elif [[ $mode == check ]]; then bad "$3 differs from what its sources give: run programs/build.sh and commit the result"
  else mkdir -p "$(dirname "$1")"; cp "$2" "$1"; ok "$3 (updated)"; fi
}

compile() {
  local crates=("${@/#/gridtokenx-}")
  "$here/toolchain/compile.sh" "$toolchain" "$here" "$here/target/sbf" "${crates[@]//_/-}" 2> "$work/compile.log" && return
  cat "$work/compile.log" >&2
  bad "the programs do not compile: the compiler's message is above"
  finish
}

artifacts() {
  local name built
  for name in "${programs[@]}" "$wrapper"; do
    built=$here/target/sbf/bpfel-unknown-none/release/libgridtokenx_$name.so
    if python3 "$here/toolchain/scan_stack.py" "$built"; then ok "$name.so passes no argument on the stack"
    else bad "$name.so passes arguments on the stack: keep its functions to five argument words"; fi
    cp "$built" "$work/$name.so"
    keep "$here/artifacts/$name.so" "$work/$name.so" "artifacts/$name.so"
  done
}

idls() {
  local name
  cargo run --quiet --locked --manifest-path "$here/Cargo.toml" --package gridtokenx-idl-gen -- "$work/idl"
  for name in "${programs[@]}"; do
    keep "$here/idl/$name.json" "$work/idl/$name.json" "idl/$name.json"
    keep "$here/idl/legacy/$name.json" "$work/idl/legacy/$name.json" "idl/legacy/$name.json"
  done
}

checksums() {
  (cd "$work" && sha256sum -- *.so) > "$work/SHA256SUMS"
  source_checksums > "$work/SOURCES.sha256"
  keep "$here/artifacts/SHA256SUMS" "$work/SHA256SUMS" "artifacts/SHA256SUMS"
  keep "$here/artifacts/SOURCES.sha256" "$work/SOURCES.sha256" "artifacts/SOURCES.sha256"
}

case ${1:-} in
  '') mode=update ;;
  --check) mode=check ;;
  --only-artifacts) mode=artifacts ;;
  *) echo "usage: programs/build.sh [--check | --only-artifacts]" >&2; exit 2 ;;
esac
command -v cargo > /dev/null || export PATH=$PATH:/usr/bin
"$here/toolchain/setup.sh" "$toolchain" > "$work/setup.log" 2>&1 || { cat "$work/setup.log" >&2; exit 1; }
compile "${programs[@]}" "$wrapper"
artifacts
[[ $mode == artifacts ]] && finish
idls
checksums
finish
