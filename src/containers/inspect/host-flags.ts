/** The half of a container's settings that is about the host, as flags of `run`. */
import { formatNetworkRate } from '../../network/rate.ts'
import { bindText } from '../../volumes/bind-text.ts'
import { idMapText } from '../../volumes/parse/id-map.ts'
import type { MountSetting } from '../../volumes/types.ts'
import type { HostConfig, NetworkAttachment, RestartPolicy, WasiSettings } from '../config.ts'
import { clockText } from '../parse/wasi.ts'
import { type Flag, flag, list, number, pairs, switched } from './flags.ts'

const DEFAULT_SHM_BYTES = 64 << 20

export function hostFlags(host: HostConfig): Flag[] {
  return [
    ...lifeFlags(host),
    ...host.Mounts.flatMap(mountFlag),
    ...Object.entries(host.Tmpfs).map(([target, options]) => `--tmpfs=${target}${options === '' ? '' : `:${options}`}`),
    ...networkFlags(host),
    ...securityFlags(host),
    ...limitFlags(host),
  ]
}

function lifeFlags(host: HostConfig): Flag[] {
  const { LogConfig, HealthOnFailure, RestartPolicy } = host
  return [
    ...switched('rm', host.AutoRemove),
    ...flag('restart', restartText(RestartPolicy)),
    ...flag('runtime', host.Runtime),
    ...wasiFlags(host.Wasi),
    ...switched('init', host.Init),
    ...flag('timeout', host.TimeoutMs === undefined ? undefined : `${host.TimeoutMs}ms`),
    ...flag('log-driver', LogConfig.Type === 'json-file' ? '' : LogConfig.Type),
    ...pairs('log-opt', LogConfig.Config),
    ...flag('health-on-failure', HealthOnFailure === 'none' ? '' : HealthOnFailure),
    ...pairs('annotation', host.Annotations),
  ]
}

function wasiFlags({ Engine, Clock, Seed }: WasiSettings = {}): Flag[] {
  return [
    ...flag('wasi-engine', Engine),
    ...flag('wasi-clock', Clock === undefined ? undefined : clockText(Clock)),
    ...flag('wasi-seed', Seed, 'always'),
  ]
}

function restartText({ Name, MaximumRetryCount }: RestartPolicy): string {
  if (Name === 'no') return ''
  return MaximumRetryCount > 0 ? `${Name}:${MaximumRetryCount}` : Name
}

/** `-v` where that says it all, otherwise `--mount`. */
function mountFlag(mount: MountSetting): Flag[] {
  const { Type, Source, Target } = mount
  const bare = mount.VolumeLabels === undefined && mount.VolumeOptions === undefined && mount.VolumeDriver === undefined
  if (Type === 'volume' && Source === '' && bare && !mount.NoCopy && !mount.ReadOnly) return [`--volume=${Target}`]
  const simple = mount.NonRecursive === undefined && mount.ReadOnlyNonRecursive === undefined
  if (Type === 'tmpfs' || !mount.CreateMountpoint || !simple || `${Source}${Target}`.includes(':'))
    return [`--mount=${mountFields(mount).map(csvField).join(',')}`]
  return [`--volume=${bindText(mount)}`]
}

function mountFields(mount: MountSetting): readonly string[] {
  const field = (key: string, value: unknown) => (value === undefined || value === '' ? [] : [`${key}=${value}`])
  const { ReadOnlyNonRecursive } = mount
  return [
    `type=${mount.Type}`,
    ...field('source', mount.Source),
    `target=${mount.Target}`,
    ...(mount.ReadOnly ? ['readonly'] : []),
    ...field('bind-propagation', mount.Propagation),
    ...field('bind-nonrecursive', mount.NonRecursive),
    ...(ReadOnlyNonRecursive === undefined ? [] : [`bind-recursive=${ReadOnlyNonRecursive ? 'writable' : 'readonly'}`]),
    ...field('bind-create-mountpoint', mount.CreateMountpoint),
    ...field('volume-nocopy', mount.NoCopy),
    ...field('volume-subpath', mount.Subpath),
    ...(mount.IdMap === undefined ? [] : [`idmap${idMapText(mount.IdMap) === '' ? '' : `=${idMapText(mount.IdMap)}`}`]),
    ...field('volume-driver', mount.VolumeDriver),
    ...entries('volume-label', mount.VolumeLabels),
    ...entries('volume-opt', mount.VolumeOptions),
    ...field('tmpfs-size', mount.TmpfsSizeBytes),
    ...field('tmpfs-mode', mount.TmpfsMode?.toString(8)),
  ]
}

function entries(key: string, map: Readonly<Record<string, string>> = {}): readonly string[] {
  return Object.entries(map).map(([name, value]) => `${key}=${name}=${value}`)
}

function csvField(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function networkFlags(host: HostConfig): Flag[] {
  return [
    ...(host.Networks?.length ? host.Networks.flatMap(attachmentFlag) : flag('network', host.NetworkMode)),
    ...flag('network-rate', host.NetworkRate && formatNetworkRate(host.NetworkRate)),
    ...list('publish', host.Publish),
    ...switched('publish-all', host.PublishAllPorts ?? false),
    ...list('allow-net', host.AllowNet),
    ...list('deny-net', host.DenyNet),
    ...list('deny-read', host.DenyRead),
    ...list('deny-write', host.DenyWrite),
    ...list('link', host.Links),
    ...list('dns', host.Dns),
    ...list('dns-option', host.DnsOptions),
    ...list('dns-search', host.DnsSearch),
    ...list('add-host', host.ExtraHosts),
    ...flag('ipc', host.IpcMode),
    ...flag('pid', host.PidMode),
    ...flag('uts', host.UTSMode),
    ...flag('userns', host.UsernsMode),
    ...flag('cgroupns', host.CgroupnsMode),
    ...flag('cgroup-parent', host.CgroupParent),
  ]
}

/** In the long form where there is more to say than the name. */
function attachmentFlag({ Name, Aliases, IPv4Address, IPv6Address, MacAddress }: NetworkAttachment): Flag[] {
  if (Name === '') return [...list('network-alias', Aliases), ...flag('ip', IPv4Address), ...flag('ip6', IPv6Address)]
  const field = (key: string, value: string) => (value === '' ? [] : [`${key}=${value}`])
  const fields = [
    ...Aliases.map((alias) => `alias=${alias}`),
    ...field('ip', IPv4Address),
    ...field('ip6', IPv6Address),
    ...field('mac-address', MacAddress),
  ]
  return flag('network', fields.length === 0 ? Name : [`name=${Name}`, ...fields].join(','))
}

function securityFlags(host: HostConfig): Flag[] {
  return [
    ...switched('privileged', host.Privileged),
    ...switched('read-only', host.ReadonlyRootfs),
    ...list('cap-add', host.CapAdd),
    ...list('cap-drop', host.CapDrop),
    ...list('security-opt', host.SecurityOpt),
    ...list('group-add', host.GroupAdd),
    ...pairs('sysctl', host.Sysctls),
    ...list(
      'device',
      host.Devices.map((device) => `${device.PathOnHost}:${device.PathInContainer}:${device.CgroupPermissions}`),
    ),
    ...list('device-cgroup-rule', host.DeviceCgroupRules),
  ]
}

function limitFlags(host: HostConfig): Flag[] {
  const throttles = (name: string, values: readonly { readonly Path: string; readonly Rate: number }[]) =>
    list(
      name,
      values.map(({ Path, Rate }) => `${Path}:${Rate}`),
    )
  return [
    ...number('memory', host.Memory),
    ...number('memory-reservation', host.MemoryReservation),
    ...number('memory-swap', host.MemorySwap),
    ...flag('memory-swappiness', host.MemorySwappiness?.toString()),
    ...switched('oom-kill-disable', host.OomKillDisable),
    ...number('oom-score-adj', host.OomScoreAdj),
    ...flag('cpus', host.NanoCpus === 0 ? '' : String(host.NanoCpus / 1e9)),
    ...number('cpu-shares', host.CpuShares),
    ...number('cpu-period', host.CpuPeriod),
    ...number('cpu-quota', host.CpuQuota),
    ...flag('cpuset-cpus', host.CpusetCpus),
    ...flag('cpuset-mems', host.CpusetMems),
    ...number('pids-limit', host.PidsLimit),
    ...(host.ShmSize === DEFAULT_SHM_BYTES ? [] : number('shm-size', host.ShmSize)),
    ...list(
      'ulimit',
      host.Ulimits.map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`),
    ),
    ...number('blkio-weight', host.BlkioWeight),
    ...list(
      'blkio-weight-device',
      host.BlkioWeightDevice.map(({ Path, Weight }) => `${Path}:${Weight}`),
    ),
    ...throttles('device-read-bps', host.BlkioDeviceReadBps),
    ...throttles('device-write-bps', host.BlkioDeviceWriteBps),
    ...throttles('device-read-iops', host.BlkioDeviceReadIOps),
    ...throttles('device-write-iops', host.BlkioDeviceWriteIOps),
  ]
}
