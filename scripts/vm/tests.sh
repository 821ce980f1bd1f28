# Runs in the test machine. A line `ok …` or `not ok …` for each test.
mkdir -p /image/bin
cp /bin/busybox /image/bin/
for name in sh true sleep cat echo id dd head tail ls test stat yes grep mkdir rmdir touch kill; do ln -s busybox /image/bin/$name; done
tar -C /image -c . | coracle import - busybox >/dev/null
groups=/sys/fs/cgroup

check() { # TITLE COMMAND…: the command succeeds
  title=$1
  shift
  if said=$("$@" 2>&1); then printf '\nok %s\n' "$title"; else # the kernel may be in the middle of a line
    printf '\nnot ok %s\n' "$title"
    echo "$said" | sed 's/^/  /'
  fi
}
is() { [ "$1" = "$2" ] || { echo "expected: $2"; echo "found: $1"; return 1; }; }
inside() { flags=$1; shift; coracle run --rm --network none $flags busybox sh -c "$*"; }
group_of() { echo "$groups/coracle/$(coracle inspect -f '{{.Id}}' "$1")"; }
detached() { name=$1; shift; coracle run -d --network none --name "$name" "$@" >/dev/null; }

its_version() { is "$(coracle info -f '{{.CgroupVersion}}')" 2; }
check 'it knows that control groups are of version 2' its_version

limits() {
  is "$(inside '-m 64m --memory-swap 64m --cpus 0.5 --pids-limit 33 --cpuset-cpus 0' \
    'cd /sys/fs/cgroup; cat memory.max cpu.max pids.max cpuset.cpus' | tr '\n' ' ')" '67108864 50000 100000 33 0 '
}
check 'limits are those of the flags' limits

own_view() { is "$(inside '' 'cat /proc/self/cgroup')" '0::/'; }
check 'a container sees its own group as the root' own_view

read_only() { inside '' 'mkdir /sys/fs/cgroup/x 2>/dev/null || echo refused' | grep -q refused; }
check 'a container cannot change its groups' read_only

status() { is "$(inside '' 'exit 7' || echo $?)" 7; }
check 'it ends as the program ends' status

out_of_memory() {
  coracle run --name big --network none -m 16m --memory-swap 16m busybox sh -c 'x=a; while :; do x=$x$x; done'
  is $? 137 && is "$(coracle inspect -f '{{.State.OOMKilled}}' big)" true && coracle rm big
}
check 'an end for lack of memory is told as one' out_of_memory

forks() { inside '--pids-limit 5' 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait' 2>&1 | grep -qE "can't fork|Resource temporarily"; }
check 'the number of processes is held' forks

denied_device() { inside '--cap-add MKNOD' 'mknod /m b 7 0 2>&1; dd if=/m of=/dev/null count=1 2>&1' | grep -q 'not permitted'; }
check 'a device that was not given is refused' denied_device
given_device() { inside '--device /dev/mem:/dev/given:r' 'dd if=/dev/given of=/dev/null bs=1 count=1 2>&1; head -c 1 /dev/zero >/dev/null && echo fine' | grep -q fine; }
check 'devices that were given work' given_device
write_refused() { inside '--device /dev/kmsg:/dev/given:r' 'echo x >/dev/given' 2>&1 | grep -q 'not permitted'; }
check 'a device given for reading is not written' write_refused

exec_joins() {
  detached box -m 64m busybox sleep 1000 &&
    is "$(coracle exec box cat /proc/self/cgroup)" '0::/' &&
    is "$(coracle exec box cat /sys/fs/cgroup/memory.max)" 67108864
}
check 'exec is in the group of the container' exec_joins
exec_counts() { coracle exec -d box sleep 999 && is "$(wc -l <"$(group_of box)/cgroup.procs")" 2; }
check 'what exec has started is counted there' exec_counts
paused() {
  coracle pause box && is "$(cat "$(group_of box)/cgroup.freeze")" 1 && is "$(coracle inspect -f '{{.State.Status}}' box)" paused &&
    coracle unpause box && is "$(cat "$(group_of box)/cgroup.freeze")" 0
}
check 'pause and unpause' paused
updated() { coracle update -m 80m --memory-swap 80m --pids-limit 44 box && is "$(cat "$(group_of box)"/memory.max "$(group_of box)"/pids.max | tr '\n' ' ')" '83886080 44 '; }
check 'update changes a running container' updated
measured() { coracle stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' box | grep -qE '^[1-9][0-9.]*[KM]iB / 80MiB 2$'; }
check 'stats are plausible' measured
listed() { is "$(coracle top box | wc -l)" 3; }
check 'top shows its processes' listed
own_groups() {
  detached nested --privileged --cgroupns private busybox sh -c 'mkdir /sys/fs/cgroup/own && echo 1 >/sys/fs/cgroup/own/cgroup.procs; sleep 1000'
  sleep 2
  coracle exec nested true && coracle rm -f nested
}
check 'a container with groups of its own can be entered and removed' own_groups
removed() { coracle rm -f box >/dev/null; is "$(find $groups -path '*coracle*' -type d)" ''; }
check 'nothing of a removed container is left' removed

killed() {
  detached orphan busybox sleep 1000
  pid=$(coracle inspect -f '{{.State.Pid}}' orphan)
  kill -9 "$(sed -n 's/^PPid:\t//p' /proc/$pid/status)"
  is "$(coracle wait orphan)" -1 && coracle rm orphan && is "$(find $groups -path '*coracle*' -type d)" ''
}
check 'a supervisor that was killed leaves no group' killed
many() {
  for n in 1 2 3 4 5; do coracle run -d --network none --name many$n busybox sleep 1000 >/dev/null & done
  wait
  is "$(coracle ps -q | wc -l)" 5 && coracle rm -f $(coracle ps -q) >/dev/null && is "$(find $groups -path '*coracle*' -type d)" ''
}
check 'several at once' many
init_flag() { is "$(inside '--init' 'cat /proc/1/comm')" coracle-init; }
check 'an init comes first when asked for' init_flag
