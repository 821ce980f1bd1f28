/** A host of the test's own: a network with one link that leads nowhere, its own name servers and /dev/net/tun. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { User } from './coracle.ts'

export interface OwnHost {
  /** Its address, beside 127.0.0.1. */
  readonly address: string
  /** Words that run what follows them there, as root or as a user. */
  entrance(user?: User): readonly string[]
  /** A process there, as root, until the host is closed. */
  start(...words: readonly string[]): ChildProcess
  run(...words: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string }
  close(): void
}

const ADDRESS = '198.51.100.7'

const SETUP = `
mount --bind "$1/tun" /dev/net/tun
mount --bind "$1/resolv.conf" /etc/resolv.conf
ip link set lo up
ip link add uplink type veth peer name far
ip addr add ${ADDRESS}/24 dev uplink
ip -6 addr add 2001:db8::7/64 dev uplink nodad
ip link set far up
ip link set uplink up
ip route add default via 198.51.100.1
ip -6 route add default via 2001:db8::1
echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range
echo ready
exec cat`

/** @param options.tun - whether everybody may open /dev/net/tun, as udev has it */
export async function makeOwnHost({ tun = true, nameServer = '127.0.0.77' } = {}): Promise<OwnHost> {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-host-'))
  chmodSync(directory, 0o755)
  spawnSync('mknod', [join(directory, 'tun'), 'c', '10', '200'])
  chmodSync(join(directory, 'tun'), tun ? 0o666 : 0o600)
  writeFileSync(join(directory, 'resolv.conf'), `nameserver ${nameServer}\n`)
  const words = ['--mount', '--net', '--propagation', 'slave', 'sh', '-ec', SETUP, 'sh', directory]
  const holder = spawn('unshare', words, { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(holder.stdout, 'data')) as [Buffer]
  if (!line.toString().startsWith('ready')) throw new Error('no host of our own can be made')
  const enter = ['nsenter', '--target', String(holder.pid), '--mount', '--net']
  const processes: ChildProcess[] = []
  return {
    address: ADDRESS,
    entrance: (user) =>
      user === undefined
        ? enter
        : [...enter, 'setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups', '--'],
    start: (...program) => {
      const [first = '', ...rest] = [...enter, ...program]
      const child = spawn(first, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
      processes.push(child)
      return child
    },
    run: (...program) => {
      const [first = '', ...rest] = [...enter, ...program]
      return spawnSync(first, rest, { encoding: 'utf8', timeout: 30_000 })
    },
    close: () => {
      for (const child of [...processes, holder]) child.kill('SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
