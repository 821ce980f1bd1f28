/** What users type, by docker's long names, before it is understood. */

/** The flags of `run` and `create` as typed, by docker's long names. Missing means not given. */
export interface RunFlags {
  readonly 'add-host'?: readonly string[] | undefined
  readonly 'allow-all'?: boolean | undefined
  readonly 'allow-env'?: readonly string[] | undefined
  readonly 'allow-read'?: readonly string[] | undefined
  readonly 'allow-write'?: readonly string[] | undefined
  readonly 'deny-env'?: readonly string[] | undefined
  readonly 'deny-read'?: readonly string[] | undefined
  readonly 'deny-write'?: readonly string[] | undefined
  readonly 'allow-net'?: readonly string[] | undefined
  readonly 'deny-net'?: readonly string[] | undefined
  readonly annotation?: readonly string[] | undefined
  readonly attach?: readonly string[] | undefined
  readonly 'blkio-weight'?: string | undefined
  readonly 'blkio-weight-device'?: readonly string[] | undefined
  readonly 'cap-add'?: readonly string[] | undefined
  readonly 'cap-drop'?: readonly string[] | undefined
  readonly 'cgroup-parent'?: string | undefined
  readonly cgroupns?: string | undefined
  readonly cidfile?: string | undefined
  readonly 'cpu-period'?: string | undefined
  readonly 'cpu-quota'?: string | undefined
  readonly 'cpu-shares'?: string | undefined
  readonly cpus?: string | undefined
  readonly 'cpuset-cpus'?: string | undefined
  readonly 'cpuset-mems'?: string | undefined
  readonly 'debug-plan'?: boolean | undefined
  readonly detach?: boolean | undefined
  readonly 'detach-keys'?: string | undefined
  readonly device?: readonly string[] | undefined
  readonly 'device-cgroup-rule'?: readonly string[] | undefined
  readonly 'device-read-bps'?: readonly string[] | undefined
  readonly 'device-read-iops'?: readonly string[] | undefined
  readonly 'device-write-bps'?: readonly string[] | undefined
  readonly 'device-write-iops'?: readonly string[] | undefined
  readonly dns?: readonly string[] | undefined
  readonly 'dns-option'?: readonly string[] | undefined
  readonly 'dns-search'?: readonly string[] | undefined
  readonly domainname?: string | undefined
  readonly entrypoint?: string | undefined
  readonly expose?: readonly string[] | undefined
  readonly env?: readonly string[] | undefined
  readonly 'env-file'?: readonly string[] | undefined
  readonly 'health-cmd'?: string | undefined
  readonly 'health-interval'?: string | undefined
  readonly 'health-on-failure'?: string | undefined
  readonly 'health-retries'?: string | undefined
  readonly 'health-start-interval'?: string | undefined
  readonly 'health-start-period'?: string | undefined
  readonly 'health-timeout'?: string | undefined
  readonly 'group-add'?: readonly string[] | undefined
  readonly hostname?: string | undefined
  readonly init?: boolean | undefined
  readonly ip?: string | undefined
  readonly ip6?: string | undefined
  readonly interactive?: boolean | undefined
  readonly ipc?: string | undefined
  readonly link?: readonly string[] | undefined
  readonly label?: readonly string[] | undefined
  readonly 'label-file'?: readonly string[] | undefined
  readonly 'log-driver'?: string | undefined
  readonly 'log-opt'?: readonly string[] | undefined
  readonly 'mac-address'?: string | undefined
  readonly memory?: string | undefined
  readonly 'memory-reservation'?: string | undefined
  readonly 'memory-swap'?: string | undefined
  readonly 'memory-swappiness'?: string | undefined
  readonly 'no-healthcheck'?: boolean | undefined
  readonly mount?: readonly string[] | undefined
  readonly name?: string | undefined
  /** One or several; the first is the main one. */
  readonly network?: string | readonly string[] | undefined
  readonly 'network-alias'?: readonly string[] | undefined
  readonly 'network-rate'?: string | undefined
  readonly 'oom-kill-disable'?: boolean | undefined
  readonly 'oom-score-adj'?: string | undefined
  readonly pid?: string | undefined
  readonly 'pids-limit'?: string | undefined
  readonly platform?: string | undefined
  readonly privileged?: boolean | undefined
  readonly publish?: readonly string[] | undefined
  readonly 'publish-all'?: boolean | undefined
  readonly pull?: string | undefined
  readonly quiet?: boolean | undefined
  readonly 'read-only'?: boolean | undefined
  readonly restart?: string | undefined
  readonly rm?: boolean | undefined
  readonly runtime?: string | undefined
  readonly 'security-opt'?: readonly string[] | undefined
  readonly 'shm-size'?: string | undefined
  readonly 'sig-proxy'?: boolean | undefined
  readonly 'stop-signal'?: string | undefined
  readonly 'stop-timeout'?: string | undefined
  readonly sysctl?: readonly string[] | undefined
  readonly timeout?: string | undefined
  readonly tmpfs?: readonly string[] | undefined
  readonly tty?: boolean | undefined
  readonly ulimit?: readonly string[] | undefined
  readonly user?: string | undefined
  readonly userns?: string | undefined
  readonly uts?: string | undefined
  readonly volume?: readonly string[] | undefined
  readonly 'volumes-from'?: readonly string[] | undefined
  readonly 'wasi-clock'?: string | undefined
  readonly 'wasi-engine'?: string | undefined
  readonly 'wasi-seed'?: string | undefined
  readonly workdir?: string | undefined
}

/** The flags of `update` as typed. */
export type UpdateFlags = Pick<
  RunFlags,
  | 'blkio-weight'
  | 'cpu-period'
  | 'cpu-quota'
  | 'cpu-shares'
  | 'cpus'
  | 'cpuset-cpus'
  | 'cpuset-mems'
  | 'memory'
  | 'memory-reservation'
  | 'memory-swap'
  | 'network-rate'
  | 'pids-limit'
  | 'restart'
>

/** The flags of `network connect` as typed. */
export interface ConnectFlags {
  readonly alias?: readonly string[] | undefined
  readonly ip?: string | undefined
  readonly ip6?: string | undefined
  readonly link?: readonly string[] | undefined
}
