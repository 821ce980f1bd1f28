#!/bin/sh
# First process of the test machine: out of the initial file system, which no container can pivot out of, then the tests.
/bin/busybox --install -s /bin
export PATH=/bin:/coracle/bin HOME=/root
if [ ! -e /moved ]; then
  mkdir /new
  mount -t tmpfs -o size=80% new /new
  for entry in /*; do [ "$entry" = /new ] || cp -a "$entry" /new; done
  touch /new/moved
  exec switch_root /new /init
fi
mkdir -p /proc /sys /dev /tmp /root /run /var/lib
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for module in /modules/*; do insmod "$module"; done
ip link set lo up
# As under systemd: whoever starts containers is itself in a group below the root.
mkdir /sys/fs/cgroup/session
echo $$ >/sys/fs/cgroup/session/cgroup.procs
echo '+cpu +memory +pids +io +cpuset' >/sys/fs/cgroup/cgroup.subtree_control
sh /tests.sh
echo '# done'
poweroff -f
