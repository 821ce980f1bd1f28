#!/bin/sh
# Builds the example with Debian's clang, lld and wasi-libc: build.sh OUTPUT.wasm
set -eu
exec clang --target=wasm32-wasi --sysroot=/usr -O2 "$(dirname "$0")/hello.c" -o "${1:?usage: build.sh OUTPUT.wasm}"
