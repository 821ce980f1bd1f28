/** `HostConfig` of docker's inspect: ours has its shape already; what docker writes otherwise, and what it has besides. */
import { parsePublish } from '../../network/ports/parse.ts'
import { bindText } from '../../volumes/bind-text.ts'
import type { MountSetting } from '../../volumes/types.ts'
import type { HostConfig } from '../config.ts'
import type { ContainerRecord } from '../records.ts'
import { MASKED_PATHS, READONLY_PATHS } from '../spec/runtime-spec.ts'

export function describeHostConfig({ settings, backend }: Pick<ContainerRecord, 'settings' | 'backend'>): object {
  const {
    Mounts,
    Tmpfs,
    Sysctls,
    Annotations,
    Init,
    Networks: _inNetworkSettings,
    Publish = [],
    ...host
  } = settings.host
  const { Seccomp: _profile, NoNewPrivileges: _inSecurityOpt, SystemPathsUnconfined, ...asStored } = host
  const open = host.Privileged || SystemPathsUnconfined
  const binds = Mounts.filter(isBind).map(bindText)
  const others = Mounts.filter((mount) => !isBind(mount))
  return {
    Binds: nullWhenEmpty(binds),
    ...(others.length > 0 && { Mounts: others }),
    ...filled({ Tmpfs, Sysctls, Annotations }),
    ...(Init && { Init }),
    ...ABSENT,
    ...asStored,
    ...effective(settings.host),
    PortBindings: portBindings(Publish),
    Runtime: host.Runtime === '' ? backend : host.Runtime,
    MaskedPaths: open ? null : MASKED_PATHS,
    ReadonlyPaths: open ? null : READONLY_PATHS,
  }
}

/** Keys of docker's for what there is not, or not on Linux. */
const ABSENT = {
  PublishAllPorts: false,
  VolumeDriver: '',
  VolumesFrom: null,
  Links: null,
  ConsoleSize: [0, 0],
  Isolation: '',
  CpuPercent: 0,
  CpuCount: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  KernelMemory: 0,
  KernelMemoryTCP: 0,
  IOMaximumBandwidth: 0,
  IOMaximumIOps: 0,
  Cgroup: '',
  DeviceRequests: null,
}

/** What holds where nothing was asked for, and docker's `null` for some lists, but not all, that are empty. */
function effective(host: HostConfig): object {
  return {
    CapAdd: nullWhenEmpty(host.CapAdd),
    CapDrop: nullWhenEmpty(host.CapDrop),
    ExtraHosts: nullWhenEmpty(host.ExtraHosts),
    GroupAdd: nullWhenEmpty(host.GroupAdd),
    SecurityOpt: nullWhenEmpty(host.SecurityOpt),
    DeviceCgroupRules: nullWhenEmpty(host.DeviceCgroupRules),
    CgroupnsMode: host.CgroupnsMode || 'private',
    IpcMode: host.IpcMode || 'private',
    MemorySwap: host.MemorySwap === 0 ? host.Memory * 2 : host.MemorySwap,
    MemorySwappiness: host.MemorySwappiness ?? null,
    PidsLimit: host.PidsLimit === 0 ? null : host.PidsLimit,
  }
}

/** As asked for: a port that anybody may choose is empty. */
function portBindings(publish: readonly string[]): object {
  const bindings: Record<string, object[]> = {}
  for (const { containerPort, protocol, hostIp, hostPorts } of publish.flatMap(parsePublish)) {
    const key = `${containerPort}/${protocol}`
    const HostPort = hostPorts === undefined ? '' : [...new Set(hostPorts)].join('-')
    bindings[key] = [...(bindings[key] ?? []), { HostIp: hostIp, HostPort }]
  }
  return bindings
}

function filled(records: Readonly<Record<string, object>>): object {
  return Object.fromEntries(Object.entries(records).filter(([, record]) => Object.keys(record).length > 0))
}

export function nullWhenEmpty(list: readonly string[] | null): readonly string[] | null {
  return list === null || list.length === 0 ? null : list
}

/** Written with `-v`: docker shows it as the text that it was. */
function isBind({ Type, CreateMountpoint }: MountSetting): boolean {
  return Type !== 'tmpfs' && CreateMountpoint === true
}
