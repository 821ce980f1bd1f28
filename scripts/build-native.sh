#!/bin/sh
# Builds the native program: scripts/build-native.sh [x64|arm64]. SANITIZE=1 builds coracle-native-asan instead.
set -eu
cd "$(dirname "$0")/.."
case $(uname -m) in aarch64) host=arm64 ;; *) host=x64 ;; esac
arch=${1:-$host}
compiler=${CC:-cc}
if [ "$arch" != "$host" ]; then
  case $arch in
    arm64) compiler=aarch64-linux-gnu-gcc ;;
    x64) compiler=x86_64-linux-gnu-gcc ;;
    *) echo "usage: scripts/build-native.sh [x64|arm64]" >&2; exit 2 ;;
  esac
fi
output=native/$arch/coracle-native
flags='-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wshadow -fstack-protector-strong'
if [ -n "${SANITIZE:-}" ]; then
  output=$output-asan
  flags="$flags -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
else
  flags="$flags -O2 -D_FORTIFY_SOURCE=2 -fPIE -static-pie -s -ffunction-sections -fdata-sections"
  flags="$flags -Wl,--gc-sections,-z,relro,-z,now,-z,noexecstack"
fi
mkdir -p "native/$arch"
# Beside, then renamed: containers may be running from the old one.
# shellcheck disable=SC2086 # words
"$compiler" $flags src/linux/native/*.c -o "$output.part$$"
mv "$output.part$$" "$output"
