/** What the user typed behind `run`, as settings in docker's shapes. Nothing is created; only files that flags name are read. */
import { InvalidArgument } from '../../errors.ts'
import { parseDuration } from '../../util/duration.ts'
import { parseMountFlag } from '../../volumes/parse/mount-flag.ts'
import { parseTmpfsFlag } from '../../volumes/parse/tmpfs-flag.ts'
import { parseVolumeFlag } from '../../volumes/parse/volume-flag.ts'
import type { ContainerConfig, ContainerSettings, HostConfig, PullPolicy } from '../config.ts'
import type { RunFlags, RunRequest } from '../types.ts'
import { keyValues, parseEnvironment, parseLabels } from './environment.ts'
import { grantEnvironment, parseConsent, parseGrantedPaths } from './grants.ts'
import { parseHealth, parseHealthAction } from './health.ts'
import { parseLimits, parseUlimit } from './limits.ts'
import { parseLogConfig } from './logging.ts'
import { parseCgroupnsMode, parseIpcMode, parsePidMode, parseUsernsMode, parseUtsMode } from './modes.ts'
import { parseNetRules } from './net-rules.ts'
import { checkedMac, exposedPorts, networkWords, parseNetworkSettings } from './network.ts'
import { parseRestartPolicy } from './restart.ts'
import { parseCapability, parseDevice, parseDeviceRule, parseSecurityOptions, parseSysctl } from './security.ts'
import { parseSignal } from './signals.ts'
import { invalid, parseInteger } from './values.ts'
import { parseWasi } from './wasi.ts'

/**
 * @throws {InvalidArgument} a flag that means nothing, alone or together with another one, in docker's words
 */
export function parseRunRequest(request: RunRequest): ContainerSettings {
  const { flags } = request
  refuseConflicts(flags)
  const host = hostConfig(flags)
  refuseDuplicates(host)
  return {
    config: containerConfig(request),
    host,
    name: parseName(flags.name),
    platform: flags.platform ?? '',
    pull: parsePullPolicy(flags.pull),
    consent: parseConsent(flags),
  }
}

/** One of the two would be hidden, or left out. */
function refuseDuplicates({ Mounts, Tmpfs }: Pick<HostConfig, 'Mounts' | 'Tmpfs'>): void {
  const targets = [...Object.keys(Tmpfs), ...Mounts.map(({ Target }) => Target)]
  const twice = targets.find((target, index) => targets.indexOf(target) !== index)
  if (twice !== undefined)
    throw new InvalidArgument(`Duplicate mount point: ${twice}`, { hint: 'mount one thing at each path' })
}

function containerConfig({ image, command, flags }: RunRequest): ContainerConfig {
  const Healthcheck = parseHealth(flags)
  const ExposedPorts = exposedPorts(flags)
  const streams = attachedStreams(flags)
  const interactive = flags.interactive ?? false
  return {
    Hostname: parseHostname(flags.hostname ?? '', 'hostname'),
    Domainname: parseHostname(flags.domainname ?? '', 'domainname'),
    User: flags.user ?? '',
    AttachStdin: streams.has('stdin'),
    AttachStdout: streams.has('stdout'),
    AttachStderr: streams.has('stderr'),
    Tty: flags.tty ?? false,
    OpenStdin: interactive,
    StdinOnce: interactive && streams.has('stdin'),
    Env: grantEnvironment(flags, parseEnvironment(flags.env ?? [], flags['env-file'] ?? [])),
    Cmd: command.length === 0 ? null : [...command],
    Image: image,
    Volumes: null,
    ...(ExposedPorts !== undefined && { ExposedPorts }),
    WorkingDir: parseWorkingDirectory(flags.workdir ?? ''),
    // `--entrypoint ""` clears the image's, without the flag the image's stays
    Entrypoint: flags.entrypoint === undefined ? null : [flags.entrypoint].filter((program) => program !== ''),
    Labels: parseLabels(flags.label ?? [], flags['label-file'] ?? []),
    ...(flags['mac-address'] !== undefined && { MacAddress: checkedMac(flags['mac-address']) }),
    ...(flags['stop-signal'] !== undefined && { StopSignal: checkedSignal(flags['stop-signal']) }),
    ...(Healthcheck !== undefined && { Healthcheck }),
    ...(flags['stop-timeout'] !== undefined && { StopTimeout: parseInteger(flags['stop-timeout'], 'stop-timeout') }),
  }
}

function hostConfig(flags: RunFlags): HostConfig {
  const CapAdd = (flags['cap-add'] ?? []).map((text) => parseCapability(text, 'CapAdd'))
  const Privileged = flags.privileged ?? false
  const granted = parseGrantedPaths(flags)
  return {
    ...parseLimits(flags),
    ...parseSecurityOptions(flags['security-opt'] ?? []),
    Mounts: [
      // The same one said twice is said once, as with docker.
      ...[...new Set(flags.volume)].map((text) => parseVolumeFlag(text)),
      ...(flags.mount ?? []).map((text) => parseMountFlag(text)),
      ...granted.Mounts,
    ],
    ...(granted.DenyRead && { DenyRead: granted.DenyRead }),
    ...(granted.DenyWrite && { DenyWrite: granted.DenyWrite }),
    ...(flags['volumes-from'] !== undefined && { VolumesFrom: [...flags['volumes-from']] }),
    Tmpfs: Object.fromEntries((flags.tmpfs ?? []).map(parseTmpfsFlag)),
    ContainerIDFile: flags.cidfile ?? '',
    ...parseNetworkSettings(flags),
    AutoRemove: flags.rm ?? false,
    RestartPolicy: parseRestartPolicy(flags.restart),
    LogConfig: parseLogConfig(flags['log-driver'], flags['log-opt']),
    HealthOnFailure: parseHealthAction(flags['health-on-failure']),
    Annotations: keyValues(flags.annotation ?? [], 'annotation'),
    CapAdd,
    ...parseNetRules(flags, { CapAdd, Privileged }),
    CapDrop: (flags['cap-drop'] ?? []).map((text) => parseCapability(text, 'CapDrop')),
    CgroupnsMode: parseCgroupnsMode(flags.cgroupns ?? ''),
    CgroupParent: parseCgroupParent(flags['cgroup-parent'] ?? ''),
    Dns: (flags.dns ?? []).map(parseAddress),
    DnsOptions: [...(flags['dns-option'] ?? [])],
    DnsSearch: [...(flags['dns-search'] ?? [])],
    ExtraHosts: (flags['add-host'] ?? []).map(parseExtraHost),
    GroupAdd: [...(flags['group-add'] ?? [])],
    IpcMode: parseIpcMode(flags.ipc ?? ''),
    PidMode: parsePidMode(flags.pid ?? ''),
    UTSMode: parseUtsMode(flags.uts ?? ''),
    UsernsMode: parseUsernsMode(flags.userns ?? ''),
    Privileged,
    ReadonlyRootfs: flags['read-only'] ?? false,
    SecurityOpt: [...(flags['security-opt'] ?? [])],
    Sysctls: Object.fromEntries((flags.sysctl ?? []).map(parseSysctl)),
    Runtime: flags.runtime ?? '',
    ...parseWasi(flags),
    ...parseTimeout(flags.timeout),
    Init: flags.init ?? false,
    Devices: (flags.device ?? []).map(parseDevice),
    DeviceCgroupRules: (flags['device-cgroup-rule'] ?? []).map(parseDeviceRule),
    Ulimits: (flags.ulimit ?? []).map(parseUlimit),
  }
}

function refuseConflicts(flags: RunFlags): void {
  const refuse = (message: string) => {
    throw new InvalidArgument(message)
  }
  const [network = ''] = networkWords(flags.network)
  if (flags.detach && (flags.attach?.length ?? 0) > 0)
    refuse('conflicting options: cannot specify both --attach and --detach')
  if (flags.rm && !['', 'no'].includes(flags.restart ?? ''))
    refuse('conflicting options: cannot specify both --restart and --rm')
  if (flags.uts === 'host' && flags.hostname !== undefined) refuse('conflicting options: hostname and the UTS mode')
  if (flags.uts === 'host' && flags.domainname !== undefined) refuse('conflicting options: domainname and the UTS mode')
  if (network.startsWith('container:')) {
    if (flags.hostname !== undefined) refuse('conflicting options: hostname and the network mode')
    if (flags.dns !== undefined) refuse('conflicting options: dns and the network mode')
    if (flags['add-host'] !== undefined) refuse('conflicting options: custom host-to-IP mapping and the network mode')
  }
  if ((network === 'host' || network.startsWith('container:')) && flags['mac-address'] !== undefined)
    refuse('conflicting options: mac-address and the network mode')
  if (network === 'host' && flags.sysctl?.some((sysctl) => sysctl.startsWith('net.')))
    refuse('sysctls of net.* are not allowed in the network namespace of the host')
  if (flags.ipc === 'host' && flags.sysctl?.some((sysctl) => /^(?:kernel|fs)\./.test(sysctl)))
    refuse('sysctls of kernel.* and fs.mqueue.* are not allowed in the IPC namespace of the host')
}

/** Everything is attached unless `-a` chooses; `-i` adds stdin. */
function attachedStreams(flags: RunFlags): ReadonlySet<string> {
  const chosen = (flags.attach ?? []).map((stream) => stream.toLowerCase())
  const unknown = chosen.find((stream) => !['stdin', 'stdout', 'stderr'].includes(stream))
  if (unknown !== undefined) throw invalid(unknown, 'attach', 'valid streams are STDIN, STDOUT and STDERR')
  if (flags.detach) return new Set()
  if (chosen.length > 0) return new Set(chosen)
  return new Set(flags.interactive ? ['stdin', 'stdout', 'stderr'] : ['stdout', 'stderr'])
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

export function parseName(text: string | undefined): string {
  const name = text?.replace(/^\//, '') ?? ''
  if (name !== '' && (!NAME.test(name) || name.length > 128))
    throw new InvalidArgument(
      `Invalid container name (${name.slice(0, 140)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    )
  return name
}

function parseHostname(text: string, flag: string): string {
  if (text.length > 64 || /[^A-Za-z0-9._-]/.test(text) || /^[-.]/.test(text))
    throw new InvalidArgument(`invalid ${flag} format: ${text.slice(0, 200)}`)
  return text
}

function parseWorkingDirectory(text: string): string {
  if (text !== '' && !text.startsWith('/'))
    throw new InvalidArgument(`the working directory '${text}' is invalid, it needs to be an absolute path`)
  return text
}

function parsePullPolicy(text = 'missing'): PullPolicy {
  if (text === 'always' || text === 'missing' || text === 'never') return text
  throw new InvalidArgument(`invalid pull option: '${text}': must be one of "always", "missing" or "never"`)
}

const MAX_TIMEOUT_MS = 2 ** 40

/** Seconds without a unit. */
function parseTimeout(text: string | undefined): Pick<HostConfig, 'TimeoutMs'> {
  if (text === undefined) return {}
  const ns = parseDuration(/^\d+$/.test(text) ? `${text}s` : text)
  const TimeoutMs = Math.ceil((ns ?? 0) / 1e6)
  if (!(TimeoutMs > 0 && TimeoutMs <= MAX_TIMEOUT_MS))
    throw invalid(text, 'timeout', 'write a duration such as 90s or 1h30m')
  return { TimeoutMs }
}

function checkedSignal(text: string): string {
  parseSignal(text)
  return text
}

/** A relative name below Coracle's own groups, or an absolute path from the root of the hierarchy. */
function parseCgroupParent(text: string): string {
  if (text.split('/').includes('..') || /[^A-Za-z0-9/_.@:-]/.test(text))
    throw new InvalidArgument(`invalid cgroup parent: ${text.slice(0, 200)}`)
  return text
}

function parseAddress(text: string): string {
  if (/^[0-9.]+$|^[0-9a-fA-F:.]+(?:%[a-z0-9]+)?$/.test(text)) return text
  throw new InvalidArgument(`${text} is not an ip address`)
}

/** `name:address` or `name=address`; `host-gateway` is looked up when the container starts. */
function parseExtraHost(text: string): string {
  const match = /^([^:=\s]+)[:=](.+)$/.exec(text)
  if (match === null) throw invalid(text, 'add-host', `bad format for add-host: "${text}"`)
  const address = (match[2] ?? '').replace(/^\[(.*)\]$/, '$1')
  if (address !== 'host-gateway' && !/^[0-9.]+$|^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(address))
    throw invalid(text, 'add-host', `invalid IP address in add-host: "${address}"`)
  return `${match[1]}:${address}`
}
