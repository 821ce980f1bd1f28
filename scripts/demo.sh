#!/bin/sh
# The main job, end to end, for the reader to see: a real registry, an image pulled, a native container and a
# WebAssembly module run from the same store. Everything lives in a scratch directory that is removed at the end.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh demo
PATH=$PWD/node_modules/.bin:$PATH
npm run --silent build

scratch=$(mktemp -d "${TMPDIR:-/tmp}/coracle-demo-XXXXXX")
registry_pid=
finish() {
  status=$?
  [ -z "$registry_pid" ] || { kill "$registry_pid" && wait "$registry_pid"; } 2>/dev/null || true
  rm -rf "$scratch"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

export CORACLE_ROOT=$scratch/root CORACLE_RUN=$scratch/run DOCKER_CONFIG=$scratch/docker
if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
show() { printf '%s$ %s%s\n' "$bold" "$*" "$plain"; "$@"; }
coracle() { "$PWD/bin/coracle" "$@"; }

say 'A real registry on loopback'
port=$(node -e 'const s=require("node:net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
mkdir -p "$scratch/registry"
cat >"$scratch/registry.yml" <<YML
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $scratch/registry}}
http: {addr: 127.0.0.1:$port}
YML
docker-registry serve "$scratch/registry.yml" >"$scratch/registry.log" 2>&1 &
registry_pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  node -e "fetch('http://127.0.0.1:$port/v2/').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))" && break
  sleep 0.25
done
echo "registry at 127.0.0.1:$port"

say 'Two images for it: a native one (busybox) and a WebAssembly one (C, compiled with clang)'
mkdir -p "$scratch/native/bin" "$scratch/native/etc" "$scratch/wasm"
cp "$(command -v busybox)" "$scratch/native/bin/busybox"
for applet in sh ls cat echo id hostname ps mount grep cut sleep true; do ln -s busybox "$scratch/native/bin/$applet"; done
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$scratch/native/etc/passwd"
tar -C "$scratch/native" --owner=0 --group=0 -cf "$scratch/native.tar" .
native=127.0.0.1:$port/demo/busybox:1
wasm=127.0.0.1:$port/demo/hello:1
show coracle import --change 'CMD ["/bin/sh"]' "$scratch/native.tar" "$native"
sh examples/wasm/hello/build.sh "$scratch/wasm/hello.wasm"
tar -C "$scratch/wasm" --owner=0 --group=0 -cf "$scratch/wasm.tar" .
show coracle import --platform wasi/wasm --change 'ENTRYPOINT ["/hello.wasm"]' "$scratch/wasm.tar" "$wasm"
show coracle push "$native"
show coracle push "$wasm"
show coracle rmi "$native" "$wasm"

say 'Pulled back from the registry'
show coracle pull "$native"
show coracle pull "$wasm"
show coracle images

say 'A native container: its own namespaces, its own limits'
# shellcheck disable=SC2016 # the container expands these
show coracle run --rm --hostname demo --memory 64m --pids-limit 32 --cpus 0.5 "$native" sh -c '
  echo "I am $(id -u) on $(hostname), pid $$ of $(ls /proc | grep -c "^[0-9]") processes"
  for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    [ -e $file ] && echo "memory limit: $(cat $file) bytes"
  done
  for file in /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max; do
    [ -e $file ] && echo "process limit: $(cat $file)"
  done
  grep CapEff /proc/self/status'

say 'A WebAssembly module, from the same store'
show coracle run --rm "$wasm" from WebAssembly

say 'Nothing is left'
show coracle ps -a
show coracle rmi "$native" "$wasm"
show coracle images
