/** Devices of a container: docker's default allow-list, `--device`, and everything for `--privileged`. */
import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgument } from '../../errors.ts'
import type { DeviceSpec, Resources } from '../../oci/runtime-spec.ts'
import type { DeviceMapping, HostConfig } from '../config.ts'

type DeviceRule = NonNullable<Resources['devices']>[number]

const RWM = 'rwm'
const allowChar = (major: number, minor: number): DeviceRule => ({ allow: true, type: 'c', major, minor, access: RWM })

/** What every container may use: null, zero, full, random, urandom, tty, console, pts, ptmx; and making any node. */
const DEFAULT_RULES: readonly DeviceRule[] = [
  { allow: false, access: RWM },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  allowChar(1, 3),
  allowChar(1, 5),
  allowChar(1, 7),
  allowChar(1, 8),
  allowChar(1, 9),
  allowChar(5, 0),
  allowChar(5, 1),
  allowChar(5, 2),
  { allow: true, type: 'c', major: 136, access: RWM },
]

export interface ContainerDevices {
  readonly nodes: DeviceSpec[]
  readonly rules: DeviceRule[]
}

/** @throws {InvalidArgument} a device that the host does not have */
export function containerDevices(host: HostConfig): ContainerDevices {
  if (host.Privileged) return { nodes: hostDevices('/dev'), rules: [{ allow: true, access: RWM }] }
  const mapped = host.Devices.flatMap((mapping) => mappedDevices(mapping).map((node) => ({ node, mapping })))
  return {
    nodes: mapped.map(({ node }) => node),
    rules: [
      ...DEFAULT_RULES,
      ...mapped.map(({ node, mapping }) => deviceRule(node, mapping.CgroupPermissions)),
      ...host.DeviceCgroupRules.map(parsedRule),
    ],
  }
}

function deviceRule(node: DeviceSpec, access: string): DeviceRule {
  return { allow: true, type: node.type === 'b' ? 'b' : 'c', major: node.major ?? 0, minor: node.minor ?? 0, access }
}

/** `c 10:* rwm`, already checked. */
function parsedRule(text: string): DeviceRule {
  const [type = 'a', numbers = '*:*', access = RWM] = text.split(' ')
  const [major, minor] = numbers.split(':').map((part) => (part === '*' ? undefined : Number(part)))
  return {
    allow: true,
    type: type as 'a' | 'b' | 'c',
    ...(major !== undefined && { major }),
    ...(minor !== undefined && { minor }),
    access,
  }
}

/** A device, or all devices of a directory (`--device /dev/snd`). */
function mappedDevices({ PathOnHost, PathInContainer }: DeviceMapping): DeviceSpec[] {
  const missing = (cause: unknown) =>
    new InvalidArgument(
      `error gathering device information while adding custom device "${PathOnHost}": no such file or directory`,
      { cause },
    )
  try {
    const source = realpathSync(PathOnHost)
    const stats = statSync(source)
    if (!stats.isDirectory()) {
      const node = deviceNode(stats, PathInContainer)
      if (node === undefined) throw missing(new Error('not a device node'))
      return [node]
    }
    return hostDevices(source).map((node) => ({ ...node, path: join(PathInContainer, node.path.slice(source.length)) }))
  } catch (error) {
    throw error instanceof InvalidArgument ? error : missing(error)
  }
}

/** Made anew in every container, or meaningless there. */
const OWN_OF_CONTAINER = new Set(['pts', 'shm', 'mqueue', 'console', 'fd', 'ptmx', '.lxc', '.lxd-mounts', '.udev'])

function hostDevices(directory: string): DeviceSpec[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (directory === '/dev' && OWN_OF_CONTAINER.has(entry.name)) return []
    if (entry.isDirectory()) return hostDevices(path)
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return []
    const stats = lstatSync(path, { throwIfNoEntry: false })
    const node = stats && deviceNode(stats, path)
    return node === undefined ? [] : [node]
  })
}

function deviceNode(stats: Stats, path: string): DeviceSpec | undefined {
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return undefined
  return {
    type: stats.isBlockDevice() ? 'b' : 'c',
    path,
    ...deviceNumbers(stats.rdev),
    fileMode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
  }
}

/** glibc's encoding of dev_t. */
export function deviceNumbers(device: number): { major: number; minor: number } {
  const bits = BigInt(device)
  return {
    major: Number(((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n)),
    minor: Number((bits & 0xffn) | ((bits >> 12n) & 0xffffff00n)),
  }
}
