#!/usr/bin/env bash
# The unchanged platform against a validator-like node from npm: an operator's own program ids, built, deployed, lived with.
# usage: tests/cluster/run.sh [pytest arguments]      what it builds is kept in $GRIDTOKENX_CLUSTER, by default in the cache folder
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
python=$root/.venv/bin/python
cache=${GRIDTOKENX_CLUSTER:-${XDG_CACHE_HOME:-$HOME/.cache}/gridtokenx-cluster}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
parts=(api broker core deploy devices firmware_sim oracle_bridge programs tests pyproject.toml)

[[ -x $python ]] || { echo "run 'make setup' first" >&2; exit 1; }

checksum() { sha256sum | cut -c 1-16; }

# packages FOLDER: the node clients' or the node's packages, installed once for each lock file; prints where.
packages() {
  local kept
  kept=$cache/$(basename "$1")-$(checksum < "$1/package-lock.json")
  if [[ ! -e $kept/.installed ]]; then
    rm -rf "$kept" && mkdir -p "$kept"
    cp "$1"/package*.json "$kept"
    (cd "$kept" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2
    touch "$kept/.installed"
  fi
  cp "$1"/*.mjs "$kept"
  echo "$kept"
}

# Another operator's programs: the same sources with ids of his own, compiled once for each state of the sources.
own_programs() {
  local kept
  kept=$cache/programs-$(checksum < "$root/programs/artifacts/SOURCES.sha256")
  if [[ ! -e $kept/.built ]]; then
    rm -rf "$kept" && mkdir -p "$kept"
    "$python" -c 'from deploy.cli import main; main()' programs keys --keys "$kept/keys" > "$work/ids"
    cp "$work/ids" programs/program-ids.toml
    bash programs/build.sh > "$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
    cp -r programs/artifacts programs/idl programs/program-ids.toml "$kept"
    rm -rf programs/target
    touch "$kept/.built"
  fi
  cp -r "$kept/artifacts" "$kept/idl" "$kept/program-ids.toml" programs/
  echo "$kept/keys"
}

mkdir -p "$work/own"
tar -C "$root" --exclude=__pycache__ --exclude=target --exclude=node_modules -c "${parts[@]}" | tar -C "$work/own" -x
cd "$work/own"
export PYTHONPATH=$work/own GRIDTOKENX_DATA_DIR=$work/data
GRIDTOKENX_CLUSTER_NODE=$(packages "$here")
GRIDTOKENX_CLUSTER_CLIENTS=$(packages "$root/tests/node")
GRIDTOKENX_CLUSTER_KEYS=$(own_programs)
export GRIDTOKENX_CLUSTER_NODE GRIDTOKENX_CLUSTER_CLIENTS GRIDTOKENX_CLUSTER_KEYS
"$python" -m pytest -q -p no:cacheprovider tests/cluster/on_a_validator_like_node.py "$@"
