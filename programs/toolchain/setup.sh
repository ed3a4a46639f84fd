#!/usr/bin/env bash
# Installs an sBPF v0 toolchain out of Debian packages and the Rust registry, for machines without Solana's platform tools.
# usage: setup.sh [folder]     a few minutes, once; does nothing when the folder is ready
# default folder: ${XDG_CACHE_HOME:-~/.cache}/gridtokenx-sbf
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(realpath -m "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/gridtokenx-sbf}")
llvm_libraries=$folder/llvm23/usr/lib/x86_64-linux-gnu
export PATH=/usr/bin:$PATH RUSTC_BOOTSTRAP=1

stop() { echo "setup.sh: $1" >&2; exit 1; }

# Debian's compiler comes with the library's sources, which -Z build-std needs and rustup's toolchains lack here.
install_compiler() {
  [[ -x /usr/bin/rustc && -x /usr/bin/cargo && -d /usr/lib/rustlib/src/rust/library ]] && return
  command -v apt-get > /dev/null || stop "this recipe is for Debian; elsewhere compile the same crates with Solana's cargo build-sbf"
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends rustc-web cargo-web rust-web-src gcc
}

# The Debian mirror that this machine already uses.
mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2> /dev/null \
    | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' '
}

# LLVM 23 of Debian unstable, unpacked beside the system together with its own libc: the BPF back end of LLVM 22, which the
# compiler brings, refuses 128-bit results and calls of more than five words.
unpack_llvm() {
  [[ -e $llvm_libraries/libLLVM.so.23.1 ]] && return
  local from apt=$folder/apt
  from=$(mirror) || true
  [[ -n $from ]] || stop "no Debian mirror is configured for apt on this machine"
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from sid main" > "$apt/sources.list"
  local options=(-qq -o "Dir::State=$apt/state" -o Dir::State::status=/dev/null -o "Dir::Cache=$apt/cache"
    -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User=root
    -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
  apt-get "${options[@]}" update
  apt-get "${options[@]}" install -y --no-install-recommends --download-only libllvm23
  local package
  for package in "$apt"/cache/archives/*.deb; do dpkg -x "$package" "$folder/llvm23"; done
}

# The linker turns LLVM bitcode into a Solana program; it runs with the unpacked LLVM and libc.
install_linker() {
  [[ -x $folder/sbpf-linker ]] && return
  mkdir -p "$folder/prefix/lib"
  ln -sf "$llvm_libraries/libLLVM.so.23.1" "$folder/prefix/lib/libLLVM.so"
  LLVM_PREFIX=$folder/prefix RUSTFLAGS="-C link-arg=-Wl,--allow-shlib-undefined" \
    /usr/bin/cargo install -q sbpf-linker --version =0.2.6 --locked --no-default-features --features bpf-linker/llvm-23 \
    --root "$folder/linker" -j2
  printf '#!/bin/sh\nexec %s/ld-linux-x86-64.so.2 --library-path %s %s/linker/bin/sbpf-linker "$@"\n' \
    "$llvm_libraries" "$llvm_libraries" "$folder" > "$folder/sbpf-linker"
  chmod +x "$folder/sbpf-linker"
}

# Memory functions and 128-bit arithmetic in the calling convention that LLVM expects.
compile_builtins() {
  CARGO_TARGET_BPFEL_UNKNOWN_NONE_RUSTFLAGS="-C target-cpu=v2 -C target-feature=+allows-misaligned-mem-access --remap-path-prefix $here=/builtins" \
    /usr/bin/cargo build -q -Z build-std=core --release --locked --target bpfel-unknown-none -j2 \
    --manifest-path "$here/builtins/Cargo.toml" --target-dir "$folder/builtins"
  cp "$folder/builtins/bpfel-unknown-none/release/libsbf_builtins.rlib" "$folder/"
}

mkdir -p "$folder"
install_compiler
unpack_llvm
install_linker
compile_builtins
echo "sBPF toolchain ready in $folder: $("$folder/sbpf-linker" --version | tr '\n' ' ')"
