/** A container's files as one directory, mounted in the runner's own mount namespace: the image, what the module changes, and all that the user mounts. */
import type { ChildStep } from '../linux/plan.ts'
import type { MountSpec } from '../oci/runtime-spec.ts'
import type { Bundle } from '../plugins/contract.ts'

/** The steps of the mounts of a bundle's runtime-spec document. */
export type MountSteps = (bundle: Bundle) => readonly ChildStep[]

export interface MakeSteps {
  readonly mountSteps: MountSteps
  /** Those that close what is denied. */
  readonly denySteps: (bundle: Bundle) => readonly ChildStep[]
}

/** Where `rootSteps` makes the root file system. */
export function rootDirectory({ directory }: Bundle): string {
  return `${directory}/rootfs`
}

export function rootSteps(bundle: Bundle, { mountSteps, denySteps }: MakeSteps): ChildStep[] {
  const { spec, directory } = bundle
  const mounts = userMounts(spec.mounts ?? [], directory)
  const readOnly = spec.root?.readonly === true || spec.wasi?.engine === 'wasmer'
  return [
    { do: 'propagation', path: '/', value: 'rprivate' },
    rootStep(bundle),
    ...mountSteps({ ...bundle, spec: { ...spec, mounts } }),
    // No image makes the runner open a device of the host. Targets of mounts have been made by now.
    {
      do: 'remount',
      target: '/',
      set: ['nodev', 'nosuid', ...(readOnly ? ['ro' as const] : [])],
      clear: [],
      recursive: false,
    },
    ...denySteps(bundle), // of mounts as they are to be: their copies are no looser
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
