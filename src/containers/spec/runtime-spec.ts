/** Settings and what was resolved from image and host, as the runtime-spec document docker would write. Pure. */
import type {
  IdMapping,
  LinuxSpec,
  MountSpec,
  NamespaceType,
  ProcessSpec,
  RuntimeSpec,
  SeccompSpec,
  WasiSpec,
} from '../../oci/runtime-spec.ts'
import type { ContainerConfig, HostConfig, WasiSettings } from '../config.ts'
import { mergeEnvironment } from '../parse/environment.ts'
import { containerCapabilities } from './capabilities.ts'
import type { ContainerDevices } from './devices.ts'
import { makeMounts } from './mounts.ts'
import { makeResources } from './resources.ts'
import type { ResolvedUser } from './users.ts'

export interface SpecInput {
  readonly id: string
  /** With the image's defaults merged in. */
  readonly config: ContainerConfig
  readonly host: HostConfig
  readonly argv: readonly string[]
  readonly user: ResolvedUser
  /** The container's directory under the data root. */
  readonly directory: string
  readonly volumes: readonly MountSpec[]
  readonly devices: ContainerDevices
  /** The compiled-in or the user's profile, resolved for these capabilities; undefined is no filter. */
  readonly seccomp: SeccompSpec | undefined
  /** What `uname -n` says on the host. */
  readonly hostHostname: string
  /** Namespaces of other containers to enter. */
  readonly joined: Partial<Readonly<Record<NamespaceType, string>>>
  /** A WebAssembly module: its environment is what image and user give, and nothing that every native program has. */
  readonly isModule?: boolean
  /** Of the user namespace; undefined is none. */
  readonly idMappings: { readonly uids: readonly IdMapping[]; readonly gids: readonly IdMapping[] } | undefined
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]
export const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

export function makeSpec(input: SpecInput): RuntimeSpec {
  const { config, host, directory } = input
  const userNamespace = input.idMappings !== undefined
  return {
    ociVersion: '1.1.0',
    process: makeProcess(input),
    root: { path: `${directory}/rootfs`, readonly: host.ReadonlyRootfs },
    ...(host.UTSMode !== 'host' && { hostname: containerHostname(input) }),
    ...(host.UTSMode !== 'host' && config.Domainname !== '' && { domainname: config.Domainname }),
    mounts: makeMounts({
      host,
      directory,
      volumes: input.volumes,
      ttyGroup: input.idMappings === undefined || isMapped(5, input.idMappings.gids),
      bindSys: userNamespace && /^(?:host$|container:)/.test(host.NetworkMode),
    }),
    annotations: { ...host.Annotations },
    linux: makeLinux(input),
    ...(host.Wasi !== undefined && { wasi: makeWasi(host.Wasi) }),
  }
}

function makeWasi({ Engine, Clock, Seed }: WasiSettings): WasiSpec {
  return {
    ...(Engine !== undefined && { engine: Engine }),
    ...(Clock !== undefined && { clock: Clock }),
    ...(Seed !== undefined && { seed: Seed }),
  }
}

/** docker's: programs without rights may ping, and serve any port, of a network namespace that is the container's own. */
function usualSysctls({ host, idMappings }: SpecInput): Record<string, string> {
  if (host.NetworkMode === 'host' || host.NetworkMode.startsWith('container:')) return {}
  return {
    'net.ipv4.ip_unprivileged_port_start': '0',
    // Groups that the user namespace does not know would be refused.
    ...(idMappings === undefined && { 'net.ipv4.ping_group_range': '0 2147483647' }),
  }
}

/** The first twelve digits of the id, unless a name was given or the host's network is used. */
export function containerHostname({
  id,
  config,
  host,
  hostHostname,
}: Pick<SpecInput, 'id' | 'config' | 'host' | 'hostHostname'>): string {
  if (config.Hostname !== '') return config.Hostname
  return host.NetworkMode === 'host' || host.UTSMode === 'host' ? hostHostname : id.slice(0, 12)
}

function makeProcess(input: SpecInput): ProcessSpec {
  const { config, host, user, argv } = input
  const capabilities = [...containerCapabilities(host)]
  return {
    terminal: config.Tty,
    user: { uid: user.uid, gid: user.gid, additionalGids: [...user.groups] },
    args: [...argv],
    env: makeEnvironment(input),
    cwd: config.WorkingDir === '' ? '/' : config.WorkingDir,
    // As execve does it: another user than root starts with none in force.
    capabilities:
      user.uid === 0
        ? { bounding: capabilities, effective: capabilities, permitted: capabilities }
        : { bounding: capabilities },
    rlimits: host.Ulimits.map(({ Name, Soft, Hard }) => ({
      type: `RLIMIT_${Name.toUpperCase()}`,
      soft: Soft,
      hard: Hard,
    })),
    noNewPrivileges: host.NoNewPrivileges,
    oomScoreAdj: host.OomScoreAdj,
  }
}

function makeEnvironment(input: SpecInput): string[] {
  const { config, user, isModule = false } = input
  const terminal = config.Tty ? ['TERM=xterm'] : []
  if (isModule) return mergeEnvironment(terminal, config.Env)
  const usual = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${containerHostname(input)}`, ...terminal]
  const environment = mergeEnvironment(usual, config.Env)
  const hasHome = environment.some((entry) => entry.startsWith('HOME='))
  return hasHome ? environment : [...environment, `HOME=${user.home}`]
}

function makeLinux(input: SpecInput): LinuxSpec {
  const { host, devices, seccomp, idMappings } = input
  const open = host.Privileged || host.SystemPathsUnconfined
  return {
    namespaces: namespaces(input),
    ...(idMappings !== undefined && { uidMappings: [...idMappings.uids], gidMappings: [...idMappings.gids] }),
    devices: devices.nodes,
    cgroupsPath: cgroupsPath(input.id, host.CgroupParent),
    resources: { ...makeResources(host), devices: devices.rules },
    rootfsPropagation: rootPropagation(host),
    ...(seccomp !== undefined && { seccomp }),
    sysctl: { ...usualSysctls(input), ...host.Sysctls },
    maskedPaths: [...(open ? [] : MASKED_PATHS), ...(host.DenyRead ?? [])],
    readonlyPaths: [...(open ? [] : READONLY_PATHS), ...(host.DenyWrite ?? [])],
  }
}

function namespaces({ host, joined, idMappings }: SpecInput): { type: NamespaceType; path?: string }[] {
  const shared: Partial<Record<NamespaceType, boolean>> = {
    network: host.NetworkMode === 'host',
    pid: host.PidMode === 'host',
    ipc: host.IpcMode === 'host',
    uts: host.UTSMode === 'host',
    cgroup: host.CgroupnsMode === 'host',
    user: idMappings === undefined,
  }
  const kinds: NamespaceType[] = ['mount', 'network', 'uts', 'pid', 'ipc', 'cgroup', 'user']
  return kinds
    .filter((type) => !shared[type])
    .map((type) => {
      const path = joined[type]
      return path === undefined ? { type } : { type, path }
    })
}

/** Relative to the root of the hierarchy that Coracle may use. */
export function cgroupsPath(id: string, parent: string): string {
  return `${parent === '' ? '/coracle' : parent}/${id}`.replace(/^(?!\/)/, '/')
}

/** A mount that must see or send later mounts needs a root that lets them through. */
function rootPropagation(host: HostConfig): string {
  const wanted = host.Mounts.map((mount) => mount.Propagation)
  if (wanted.some((value) => value?.endsWith('shared'))) return 'rshared'
  return wanted.some((value) => value?.endsWith('slave')) ? 'rslave' : 'rprivate'
}

function isMapped(id: number, mappings: readonly IdMapping[]): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size)
}
