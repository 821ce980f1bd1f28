/**
 * How a container was asked for, in the JSON shapes of the Engine API (`Config` and `HostConfig`), so that `inspect`
 * and API clients see what they expect. Sizes are bytes, `NanoCpus` billionths of a CPU, periods and quotas microseconds.
 */
import type { NetworkRate } from '../network/rate.ts'
import type { MountSetting } from '../volumes/types.ts'
import type { Consent } from './parse/grants.ts'

export interface ContainerConfig {
  Hostname: string
  Domainname: string
  User: string
  AttachStdin: boolean
  AttachStdout: boolean
  AttachStderr: boolean
  Tty: boolean
  OpenStdin: boolean
  StdinOnce: boolean
  Env: string[]
  Cmd: string[] | null
  Image: string
  Volumes: Record<string, object> | null
  /** `80/tcp` → {}; missing in records of old */
  ExposedPorts?: Record<string, object>
  WorkingDir: string
  Entrypoint: string[] | null
  Labels: Record<string, string>
  MacAddress?: string
  StopSignal?: string
  /** seconds */
  StopTimeout?: number
  Healthcheck?: HealthConfig
  /** of the image, for commands that are one line */
  Shell?: string[]
}

/** docker's HealthConfig; all times in nanoseconds, 0 the default. */
export interface HealthConfig {
  /** `['NONE']` switches the image's off; `['CMD', …]`, `['CMD-SHELL', 'line']` */
  Test?: string[]
  Interval?: number
  Timeout?: number
  StartPeriod?: number
  StartInterval?: number
  Retries?: number
}

export type RestartPolicyName = 'no' | 'always' | 'unless-stopped' | 'on-failure'

export interface RestartPolicy {
  Name: RestartPolicyName
  /** 0: as often as needed */
  MaximumRetryCount: number
}

/** What happens to a container that turns unhealthy. */
export type HealthAction = 'none' | 'kill' | 'stop' | 'restart'

/** Ours, or one that a plugin brings. */
export type LogDriver = 'json-file' | 'local' | 'none' | 'journald' | (string & {})

export interface LogConfig {
  Type: LogDriver
  /** `max-size`, `max-file`, `tag`, `labels`, `env` … as typed */
  Config: Record<string, string>
}

export interface DeviceMapping {
  PathOnHost: string
  PathInContainer: string
  CgroupPermissions: string
}

export interface ThrottleSetting {
  Path: string
  Rate: number
}

export interface WeightSetting {
  Path: string
  Weight: number
}

export interface UlimitSetting {
  Name: string
  Soft: number
  Hard: number
}

/** One network that a container is to be on. Empty texts: whatever the network gives. */
export interface NetworkAttachment {
  readonly Name: string
  readonly Aliases: readonly string[]
  readonly IPv4Address: string
  readonly IPv6Address: string
  readonly MacAddress: string
}

export interface HostConfig {
  Mounts: MountSetting[]
  /** Containers whose mounts this one has as well; they stand in `Mounts` too, or in `volume_uses` */
  VolumesFrom?: string[]
  /** target → option text, as `--tmpfs` gives it */
  Tmpfs: Record<string, string>
  ContainerIDFile: string
  /** `none`, `host`, `container:NAME`, or the name of the first of `Networks`; empty in requests: the usual one */
  NetworkMode: string
  /** Coracle's own, in the order of the interfaces; this and the next three are missing in records of old */
  Networks?: NetworkAttachment[]
  /** Coracle's own: of each link; missing: no limit */
  NetworkRate?: NetworkRate
  /** `CONTAINER:ALIAS` */
  Links?: string[]
  PublishAllPorts?: boolean
  /** `-p` as typed */
  Publish?: string[]
  /** Coracle's own: what the container may reach and what it may not; missing: everything and nothing */
  AllowNet?: string[]
  DenyNet?: string[]
  /** Coracle's own: absolute paths in the container that its program must not read, or not change */
  DenyRead?: string[]
  DenyWrite?: string[]
  AutoRemove: boolean
  RestartPolicy: RestartPolicy
  LogConfig: LogConfig
  /** Coracle's own: `--health-on-failure` */
  HealthOnFailure: HealthAction
  Annotations: Record<string, string>
  CapAdd: string[]
  CapDrop: string[]
  CgroupnsMode: '' | 'private' | 'host'
  CgroupParent: string
  Dns: string[]
  DnsOptions: string[]
  DnsSearch: string[]
  ExtraHosts: string[]
  GroupAdd: string[]
  IpcMode: string
  PidMode: string
  UTSMode: string
  UsernsMode: string
  OomScoreAdj: number
  Privileged: boolean
  ReadonlyRootfs: boolean
  SecurityOpt: string[]
  /** docker-format profile as JSON text; undefined is the default one, `unconfined` none */
  Seccomp?: string
  NoNewPrivileges: boolean
  SystemPathsUnconfined: boolean
  /** bytes */
  ShmSize: number
  Sysctls: Record<string, string>
  Runtime: string
  /** Coracle's own, of WebAssembly containers; missing: nothing was asked for */
  Wasi?: WasiSettings
  /** Coracle's own: milliseconds that one run may take; missing: as long as it likes */
  TimeoutMs?: number
  Init: boolean
  Devices: DeviceMapping[]
  DeviceCgroupRules: string[]
  Ulimits: UlimitSetting[]
  Memory: number
  MemoryReservation: number
  /** memory plus swap; -1 unlimited, 0 unset */
  MemorySwap: number
  /** 0–100; undefined leaves the host's */
  MemorySwappiness?: number
  OomKillDisable: boolean
  NanoCpus: number
  CpuShares: number
  CpuPeriod: number
  CpuQuota: number
  CpusetCpus: string
  CpusetMems: string
  /** 0 and below: unlimited */
  PidsLimit: number
  BlkioWeight: number
  BlkioWeightDevice: WeightSetting[]
  BlkioDeviceReadBps: ThrottleSetting[]
  BlkioDeviceWriteBps: ThrottleSetting[]
  BlkioDeviceReadIOps: ThrottleSetting[]
  BlkioDeviceWriteIOps: ThrottleSetting[]
}

/** How a module is run. */
export interface WasiSettings {
  /** Missing: whichever runs the module */
  readonly Engine?: WasiEngineName
  /** nanoseconds since 1970 at which its clocks start in every run, decimal */
  readonly Clock?: string
  /** of its random bytes, which are the same in every run */
  readonly Seed?: string
}

export type WasiEngineName = 'preview1' | 'wasmer' | 'component'

/** All that `create` needs to know but the image. */
export interface ContainerSettings {
  readonly config: ContainerConfig
  readonly host: HostConfig
  /** empty: one is generated */
  readonly name: string
  /** `os/arch[/variant]`, empty: the host's */
  readonly platform: string
  readonly pull: PullPolicy
  /** of what the image asks for; nothing of it is kept, but what is granted */
  readonly consent: Consent
}

export type PullPolicy = 'always' | 'missing' | 'never'
