/** `config.json` of OCI runtime-spec 1.2, the parts Coracle writes or honours (types only). */

export interface RuntimeSpec {
  ociVersion: string
  root?: { path: string; readonly?: boolean }
  hostname?: string
  domainname?: string
  process?: ProcessSpec
  mounts?: MountSpec[]
  hooks?: Partial<
    Record<'prestart' | 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop', HookSpec[]>
  >
  annotations?: Record<string, string>
  linux?: LinuxSpec
  /** Not of the specification: how a WebAssembly module is run. */
  wasi?: WasiSpec
}

export interface WasiSpec {
  /** Missing: whichever runs the module. */
  engine?: 'preview1' | 'wasmer' | 'component'
  /** Its clocks start here in every run: nanoseconds since 1970, decimal. */
  clock?: string
  /** Its random bytes are the same in every run. */
  seed?: string
}

export interface HookSpec {
  path: string
  args?: string[]
  env?: string[]
  /** seconds */
  timeout?: number
}

export interface ProcessSpec {
  terminal?: boolean
  consoleSize?: { height: number; width: number }
  cwd: string
  env?: string[]
  args?: string[]
  user: { uid: number; gid: number; umask?: number; additionalGids?: number[] }
  capabilities?: CapabilitySets
  rlimits?: RlimitSpec[]
  noNewPrivileges?: boolean
  apparmorProfile?: string
  selinuxLabel?: string
  oomScoreAdj?: number
  ioPriority?: { class: string; priority: number }
  scheduler?: { policy: string; nice?: number; priority?: number }
  execCPUAffinity?: { initial?: string; final?: string }
}

/** Each set holds names such as `CAP_CHOWN`. */
export interface CapabilitySets {
  bounding?: string[]
  effective?: string[]
  inheritable?: string[]
  permitted?: string[]
  ambient?: string[]
}

export interface RlimitSpec {
  /** `RLIMIT_NOFILE` and so on */
  type: string
  soft: number
  hard: number
}

export interface MountSpec {
  destination: string
  type?: string
  source?: string
  options?: string[]
  /** From the ids of its files (`containerID`) to those that are shown (`hostID`). */
  uidMappings?: IdMapping[]
  gidMappings?: IdMapping[]
  /** Not of the specification: a path below the source, no link of which leads out of it. */
  within?: string
}

export interface IdMapping {
  containerID: number
  hostID: number
  size: number
}

export type NamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time'

export interface LinuxSpec {
  namespaces?: { type: NamespaceType; path?: string }[]
  uidMappings?: IdMapping[]
  gidMappings?: IdMapping[]
  timeOffsets?: Record<string, { secs?: number; nanosecs?: number }>
  devices?: DeviceSpec[]
  cgroupsPath?: string
  resources?: Resources
  rootfsPropagation?: string
  seccomp?: SeccompSpec
  sysctl?: Record<string, string>
  maskedPaths?: string[]
  readonlyPaths?: string[]
  mountLabel?: string
  personality?: { domain: string; flags?: string[] }
}

export interface DeviceSpec {
  type: 'c' | 'b' | 'u' | 'p'
  path: string
  major?: number
  minor?: number
  fileMode?: number
  uid?: number
  gid?: number
}

/** runtime-spec, config-linux.md#control-groups. Sizes in bytes, quotas and periods in microseconds. */
export interface Resources {
  devices?: { allow: boolean; type?: 'a' | 'b' | 'c'; major?: number; minor?: number; access?: string }[]
  memory?: {
    limit?: number
    reservation?: number
    /** memory plus swap */
    swap?: number
    kernel?: number
    swappiness?: number
    disableOOMKiller?: boolean
  }
  cpu?: {
    shares?: number
    quota?: number
    burst?: number
    period?: number
    realtimeRuntime?: number
    realtimePeriod?: number
    cpus?: string
    mems?: string
    idle?: number
  }
  pids?: { limit: number }
  blockIO?: {
    weight?: number
    leafWeight?: number
    weightDevice?: { major: number; minor: number; weight?: number }[]
    throttleReadBpsDevice?: ThrottleDevice[]
    throttleWriteBpsDevice?: ThrottleDevice[]
    throttleReadIOPSDevice?: ThrottleDevice[]
    throttleWriteIOPSDevice?: ThrottleDevice[]
  }
  hugepageLimits?: { pageSize: string; limit: number }[]
  unified?: Record<string, string>
}

export interface ThrottleDevice {
  major: number
  minor: number
  rate: number
}

export interface SeccompSpec {
  defaultAction: string
  defaultErrnoRet?: number
  architectures?: string[]
  flags?: string[]
  listenerPath?: string
  syscalls?: SeccompRule[]
}

export interface SeccompRule {
  names: string[]
  action: string
  errnoRet?: number
  args?: { index: number; value: number | bigint; valueTwo?: number | bigint; op: string }[]
}
