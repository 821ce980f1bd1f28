/** `HostConfig` of docker's inspect: ours has its shape already; what docker writes otherwise, and what it has besides. */
import type { MountSetting } from '../../volumes/types.ts'
import type { ContainerRecord } from '../records.ts'
import { MASKED_PATHS, READONLY_PATHS } from '../spec/runtime-spec.ts'

export function describeHostConfig({ settings, backend }: Pick<ContainerRecord, 'settings' | 'backend'>): object {
  const { Mounts, Tmpfs, Seccomp: _seccomp, SystemPathsUnconfined, ...host } = settings.host
  const open = host.Privileged || SystemPathsUnconfined
  const binds = Mounts.filter(isBind).map(bindText)
  const others = Mounts.filter((mount) => !isBind(mount))
  return {
    Binds: binds.length === 0 ? null : binds,
    ...(others.length > 0 && { Mounts: others }),
    ...(Object.keys(Tmpfs).length > 0 && { Tmpfs }),
    PortBindings: {},
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
    IOMaximumBandwidth: 0,
    IOMaximumIOps: 0,
    Cgroup: '',
    DeviceRequests: null,
    ...host,
    Runtime: host.Runtime === '' ? backend : host.Runtime,
    MaskedPaths: open ? null : MASKED_PATHS,
    ReadonlyPaths: open ? null : READONLY_PATHS,
  }
}

/** Written with `-v`: docker shows it as the text that it was. */
function isBind({ Type, CreateMountpoint }: MountSetting): boolean {
  return Type === 'bind' && CreateMountpoint === true
}

function bindText({ Source, Target, ReadOnly, Propagation }: MountSetting): string {
  const options = [...(ReadOnly ? ['ro'] : []), ...(Propagation === undefined ? [] : [Propagation])]
  return [Source, Target, ...(options.length === 0 ? [] : [options.join(',')])].join(':')
}
