/** The mounts of a container: docker's defaults, the files of /etc, and what the user asked for. */
import { join } from 'node:path'
import type { MountSpec } from '../../oci/runtime-spec.ts'
import type { MountSetting } from '../../volumes/types.ts'
import type { HostConfig } from '../config.ts'

export interface MountInput {
  readonly host: HostConfig
  /** Holds hosts, hostname and resolv.conf. */
  readonly directory: string
  /** The volumes among them, as they are found on the host. */
  readonly volumes: readonly MountSpec[]
  /** Whether the gid 5 (tty) exists in the container's user namespace. */
  readonly ttyGroup: boolean
  /** A user namespace without a network namespace of its own may not mount sysfs. */
  readonly bindSys: boolean
}

export function makeMounts(input: MountInput): MountSpec[] {
  const { host } = input
  const asked = [...input.volumes, ...host.Mounts.filter(isMounted).map(settingMount), ...tmpfsMounts(host)]
  const targets = new Set(asked.map((mount) => mount.destination))
  const ownDev = targets.has('/dev')
  const defaults = [...defaultMounts(input), ...etcMounts(input)].filter(
    ({ destination }) => !targets.has(destination) && !(ownDev && destination.startsWith('/dev/')),
  )
  // Parents before what is mounted inside them; otherwise the order asked for.
  const depth = (mount: MountSpec) => mount.destination.split('/').filter((part) => part !== '').length
  return [...defaults, ...asked.toSorted((a, b) => depth(a) - depth(b))]
}

function isMounted(setting: MountSetting): boolean {
  return setting.Type !== 'volume'
}

function defaultMounts({ host, ttyGroup, bindSys }: MountInput): MountSpec[] {
  const writable = host.Privileged ? 'rw' : 'ro'
  const strict = ['nosuid', 'noexec', 'nodev']
  const sys: MountSpec = bindSys
    ? { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', ...strict, writable] }
    : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...strict, writable] }
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: strict },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...(ttyGroup ? ['gid=5'] : [])],
    },
    sys,
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...strict, writable] },
    ...ipcMounts(host, strict),
  ]
}

/** The message queues are those of the IPC namespace, whichever it is; shared memory is the host's, one's own, or none. */
function ipcMounts(host: HostConfig, strict: readonly string[]): MountSpec[] {
  const queue = { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: [...strict] }
  if (host.IpcMode === 'host')
    return [queue, { destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: ['rbind', ...strict] }]
  if (host.IpcMode === 'none') return [queue]
  const shared = {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: [...strict, 'mode=1777', `size=${host.ShmSize}`],
  }
  return [queue, shared]
}

function etcMounts({ host, directory }: MountInput): MountSpec[] {
  const options = ['rbind', 'rprivate', ...(host.ReadonlyRootfs ? ['ro'] : [])]
  return ['resolv.conf', 'hostname', 'hosts'].map((name) => ({
    destination: `/etc/${name}`,
    type: 'bind',
    source: join(directory, name),
    options,
  }))
}

function settingMount(setting: MountSetting): MountSpec {
  if (setting.Type === 'tmpfs') {
    const size = setting.TmpfsSizeBytes ?? 0
    const mode = setting.TmpfsMode === undefined ? [] : [`mode=${setting.TmpfsMode.toString(8)}`]
    return tmpfs(setting.Target, [...(setting.ReadOnly ? ['ro'] : []), ...(size > 0 ? [`size=${size}`] : []), ...mode])
  }
  const readOnly = setting.ReadOnlyNonRecursive || setting.NonRecursive ? 'ro' : 'rro'
  return {
    destination: setting.Target,
    type: 'bind',
    source: setting.Source,
    options: [
      setting.NonRecursive ? 'bind' : 'rbind',
      setting.Propagation ?? 'rprivate',
      ...(setting.ReadOnly ? [readOnly] : []),
    ],
  }
}

function tmpfsMounts(host: HostConfig): MountSpec[] {
  return Object.entries(host.Tmpfs).map(([target, options]) => tmpfs(target, options === '' ? [] : options.split(',')))
}

/** `noexec,nosuid,nodev` unless the options say the opposite. */
function tmpfs(destination: string, options: readonly string[]): MountSpec {
  const defaults = ['noexec', 'nosuid', 'nodev'].filter((option) => !options.includes(option.slice(2)))
  const given = options.filter((option) => !defaults.includes(option))
  return { destination, type: 'tmpfs', source: 'tmpfs', options: [...defaults, ...given] }
}
