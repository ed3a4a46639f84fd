#!/usr/bin/env bash
# Writes the two lock files from pyproject.toml: hashes, no addresses. Needs uv (`pip install uv` in any environment).
set -euo pipefail
cd "$(dirname "$0")/.."
OVERRIDE=$(mktemp); trap 'rm -f "$OVERRIDE"' EXIT
echo 'websockets==15.0.1' > "$OVERRIDE" # amqtt pins it and solana caps one patch below; both run on it
COMMON=(--override "$OVERRIDE" --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 --quiet pyproject.toml)
uv pip compile "${COMMON[@]}" -o requirements.lock
uv pip compile "${COMMON[@]}" -c requirements.lock --group dev -o requirements-dev.lock
