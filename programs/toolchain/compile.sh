#!/usr/bin/env bash
# Compiles the program crates of the workspace to sBPF v0 shared objects: the same bytes whatever the folder.
# usage: compile.sh TOOLCHAIN_FOLDER WORKSPACE TARGET_FOLDER CRATE...
set -euo pipefail

toolchain=$(realpath "$1") workspace=$(realpath "$2") target=$(realpath -m "$3")
shift 3
export PATH=/usr/bin:$PATH RUSTC_BOOTSTRAP=1 LC_ALL=C

flags=(
  -C panic=abort -C relocation-model=static -C target-cpu=v2 -C target-feature=+allows-misaligned-mem-access
  -C link-arg=-O2 -C link-arg=--arch=v0 -C link-arg=--llvm-args=--bpf-stack-size=4096
  # A missing arithmetic function must be a link error, never a call to address 0: these two belong together.
  -C link-arg=--disable-math-builtins -C link-arg=--export=__multi3,__udivti3,__umodti3,__divti3,__modti3
  -C "link-arg=$toolchain/libsbf_builtins.rlib"
  --remap-path-prefix "${CARGO_HOME:-$HOME/.cargo}=/cargo" --remap-path-prefix "$workspace=/programs"
)
packages=()
for crate in "$@"; do packages+=(--package "$crate"); done

CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; echo "${flags[*]}") CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER=$toolchain/sbpf-linker \
  /usr/bin/cargo build --quiet --locked --release -Z build-std=core,alloc --target bpfel-unknown-none -j2 \
  --manifest-path "$workspace/Cargo.toml" --target-dir "$target" "${packages[@]}"
