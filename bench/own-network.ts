/** Docker and Coracle change the network of the host they run on; benchmarks of networks bring a host's worth of their own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MARK = 'BENCH_OWN_NETWORK'
/** /sys shows the network in which it was mounted; its control groups come along. */
const ENTER = `set -e
mount --rbind /sys/fs/cgroup "$0"
mount -t sysfs sysfs /sys
mount --rbind "$0" /sys/fs/cgroup
umount -l "$0"
ip link set lo up
exec "$@"`

/** Returns in a process whose network and mounts are nobody else's: the calling one starts it, waits for it and ends. */
export function enterOwnNetwork(): void {
  if (process.env[MARK] === '1') return
  const aside = mkdtempSync(join(tmpdir(), 'coracle-bench-cgroup-'))
  const inside = ['sh', '-c', ENTER, aside, process.execPath, ...process.argv.slice(1)]
  const { status, error } = spawnSync('unshare', ['--net', '--mount', '--propagation', 'private', ...inside], {
    stdio: 'inherit',
    env: { ...process.env, [MARK]: '1' },
  })
  rmSync(aside, { recursive: true })
  if (error !== undefined) throw error
  process.exit(status ?? 1)
}
