#!/bin/sh
# Brings what a clone needs: the npm packages of the lock file and, where we may install them, Debian packages.
# usage: scripts/setup.sh [demo|test]
set -eu
cd "$(dirname "$0")/.."
purpose=${1:-test}

# program:package pairs; a program that is there asks for no package
build='gcc:gcc make:make'
demo="$build docker-registry:docker-registry busybox:busybox-static clang:clang wasm-ld:lld"
tests="$demo wat2wasm:wabt aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu runc:runc newuidmap:uidmap htpasswd:apache2-utils
  openssl:openssl setfattr:attr setcap:libcap2-bin zstd:zstd skopeo:skopeo python3:python3 curl:curl git:git
  nft:nftables ip:iproute2 iperf3:iperf3 pasta:passt slirp4netns:slirp4netns mmdebstrap:mmdebstrap bwrap:bubblewrap"
case $purpose in
  demo) wanted=$demo ;;
  test) wanted=$tests ;;
  *) echo "usage: scripts/setup.sh [demo|test]" >&2; exit 2 ;;
esac

missing=
for pair in $wanted; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
# files that no program stands for
wants_file() { [ -e "$1" ] || missing="$missing $2"; }
wants_file /usr/include/stdio.h libc6-dev
wants_file /usr/include/wasm32-wasi/stdio.h wasi-libc
ls /usr/lib/llvm-*/lib/clang/*/lib/wasi/libclang_rt.builtins-wasm32.a >/dev/null 2>&1 ||
  missing="$missing libclang-rt-14-dev-wasm32"
[ "$purpose" = demo ] || wants_file /usr/aarch64-linux-gnu/lib/libc.a libc6-dev-arm64-cross
# busybox must be the static one: it becomes an image of its own
if command -v busybox >/dev/null 2>&1 && ldd "$(command -v busybox)" >/dev/null 2>&1; then
  missing="$missing busybox-static"
fi

if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Debian packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of words
    apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 ||
      { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null; }
  else
    echo "These Debian packages are needed; install them as root, then try again:" >&2
    echo "  apt-get install$missing" >&2
    exit 1
  fi
fi

# npm must not run under the Node it is about to replace
clean_path=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/' | paste -sd: -)
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  # Not `npm ci`: it refuses a lock file without the optional packages of platforms that Coracle does not run on.
  PATH=$clean_path npm install --no-save --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
fi
