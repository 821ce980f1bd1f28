/** A container's files as one directory, mounted in the runner's own mount namespace: the image, what the module changes, and all that the user mounts. */
import { statSync } from 'node:fs'
import type { ChildStep } from '../linux/plan.ts'
import type { MountSpec } from '../oci/runtime-spec.ts'
import type { Bundle } from '../plugins/contract.ts'

/** The steps of the mounts of a bundle's runtime-spec document. */
export type MountSteps = (bundle: Bundle) => readonly ChildStep[]

/** Where `rootSteps` makes the root file system. */
export function rootDirectory({ directory }: Bundle): string {
  return `${directory}/rootfs`
}

export function rootSteps(bundle: Bundle, mountSteps: MountSteps): ChildStep[] {
  const { spec, directory } = bundle
  const mounts = userMounts(spec.mounts ?? [], directory)
  const readOnly = spec.root?.readonly === true || spec.wasi?.engine === 'wasmer'
  return [
    { do: 'propagation', path: '/', value: 'rprivate' },
    rootStep(bundle),
    ...mountSteps({ ...bundle, spec: { ...spec, mounts } }),
    ...denySteps(bundle),
    // No image makes the runner open a device of the host. Last: targets of mounts are made before.
    {
      do: 'remount',
      target: '/',
      set: ['nodev', 'nosuid', ...(readOnly ? ['ro' as const] : [])],
      clear: [],
      recursive: false,
    },
    // The engine follows links itself, within the root; the kernel is to follow none, so that no path of a module leads out.
    { do: 'remount', target: '/', set: ['nosymfollow'], clear: [], recursive: true },
  ]
}

function rootStep(bundle: Bundle): ChildStep {
  const { rootfs, rootless } = bundle
  const at = rootDirectory(bundle)
  if (rootfs.kind === 'module' || rootfs.lower.length === 0) return { do: 'root-bind', at, source: rootfs.upper }
  return {
    do: 'root-overlay',
    at,
    lower: rootfs.lower,
    upper: rootfs.upper,
    work: rootfs.work,
    options: rootless ? ['userxattr'] : [],
  }
}

/**
 * What is denied answers EACCES: without capabilities a directory of mode 0 and a device on a mount without devices are closed
 * to everybody. What is not there when the container starts is nothing to deny.
 */
function denySteps({ spec, rootfs }: Bundle): ChildStep[] {
  const { maskedPaths = [], readonlyPaths = [] } = spec.linux ?? {}
  const layers = rootfs.kind === 'module' ? [rootfs.upper] : [rootfs.upper, ...rootfs.lower]
  const find = (path: string) => findDenied(path, spec.mounts ?? [], layers)
  const closed = { flags: ['ro', 'nosuid', 'nodev', 'noexec'], create: 'none', optional: false } as const
  return [
    ...readonlyPaths.filter(isForModules).map((target): ChildStep => ({ do: 'read-only', target })),
    ...maskedPaths.filter(isForModules).flatMap((target): ChildStep[] => {
      const found = find(target)
      if (found === undefined) return []
      if (found === 'directory')
        return [{ do: 'mount', type: 'tmpfs', source: 'tmpfs', target, data: 'mode=000,size=4k', ...closed }]
      return [{ do: 'bind', source: '/dev/null', target, recursive: false, recursiveFlags: false, ...closed }]
    }),
  ]
}

/** The kernel's, of native containers: a module has none of them. */
const isForModules = (path: string): boolean => !/^\/(?:proc|sys)(?:\/|$)/.test(path)

function findDenied(
  path: string,
  mounts: readonly MountSpec[],
  layers: readonly string[],
): 'directory' | 'file' | undefined {
  const isAbove = ({ destination }: MountSpec) => path === destination || path.startsWith(`${destination}/`)
  const mount = mounts.filter(isAbove).toSorted((a, b) => b.destination.length - a.destination.length)[0]
  const places = mount?.source === undefined ? layers : [mount.source]
  const rest = mount?.source === undefined ? path : path.slice(mount.destination.length)
  const found = places
    .map((place) => statSync(place + rest, { throwIfNoEntry: false }))
    .find((stats) => stats !== undefined)
  return found && (found.isDirectory() ? 'directory' : 'file')
}

const KERNEL_TYPES = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'devpts', 'mqueue'])

/** Without those of every native container: of the kernel and of the host's network a module sees no files. */
export function userMounts(mounts: readonly MountSpec[], directory: string): MountSpec[] {
  return mounts.filter(({ type = '', source = '', destination }) => {
    if (KERNEL_TYPES.has(type) && source === type) return false
    if (type === 'tmpfs' && destination === '/dev' && source === 'tmpfs') return false
    if (destination === '/dev/shm' && (source === 'shm' || source === '/dev/shm')) return false
    if (destination === '/sys' && source === '/sys') return false
    return !(destination.startsWith('/etc/') && source === `${directory}/${destination.slice('/etc/'.length)}`)
  })
}
