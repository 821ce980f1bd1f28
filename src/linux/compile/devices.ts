/** What every container finds in /dev (runtime-spec, config-linux.md#default-devices), and what it was given besides. */
import type { DeviceSpec, RuntimeSpec } from '../../oci/runtime-spec.ts'
import { LaunchImpossible } from '../errors.ts'
import type { ChildStep } from '../plan.ts'

const DEFAULT_DEVICES: readonly DeviceSpec[] = [
  { type: 'c', path: '/dev/null', major: 1, minor: 3 },
  { type: 'c', path: '/dev/zero', major: 1, minor: 5 },
  { type: 'c', path: '/dev/full', major: 1, minor: 7 },
  { type: 'c', path: '/dev/random', major: 1, minor: 8 },
  { type: 'c', path: '/dev/urandom', major: 1, minor: 9 },
  { type: 'c', path: '/dev/tty', major: 5, minor: 0 },
]

const LINKS: readonly (readonly [target: string, to: string])[] = [
  ['/dev/ptmx', 'pts/ptmx'],
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
]

/** A document that binds the host's /dev brings its own devices. */
export function deviceSteps(spec: RuntimeSpec): ChildStep[] {
  const own = spec.mounts?.find(({ destination }) => destination === '/dev')
  const bound = own !== undefined && (own.type === 'bind' || (own.options ?? []).some((word) => /^r?bind$/.test(word)))
  if (bound) return []
  const given = spec.linux?.devices ?? []
  const replaced = new Set(given.map(({ path }) => path))
  const devices = [...DEFAULT_DEVICES.filter(({ path }) => !replaced.has(path)), ...given]
  return [...devices.map(nodeStep), ...LINKS.map(([target, to]): ChildStep => ({ do: 'symlink', target, to }))]
}

function nodeStep(device: DeviceSpec): ChildStep {
  const { type, path, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 } = device
  if (!path.startsWith('/')) throw new LaunchImpossible(`the device path ${path} is not absolute`)
  const node = {
    target: path,
    type: type === 'u' ? 'c' : type,
    major,
    minor,
    mode: fileMode & 0o7777,
    uid,
    gid,
  } as const
  return { do: 'mknod', ...node, bindFrom: path }
}
