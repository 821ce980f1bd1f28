/** The mounts of a runtime-spec document as steps (runtime-spec, config.md#mounts). */

import type { IdMapping, MountSpec, RuntimeSpec } from '../../oci/runtime-spec.ts'
import type { Bundle } from '../../plugins/contract.ts'
import { LaunchImpossible } from '../errors.ts'
import type { ChildStep, MountFlag, Propagation } from '../plan.ts'
import type { CompileOptions } from './options.ts'

const FLAGS: ReadonlySet<string> = new Set<MountFlag>([
  'ro',
  'nosuid',
  'nodev',
  'noexec',
  'noatime',
  'nodiratime',
  'relatime',
  'strictatime',
  'nosymfollow',
  'sync',
  'dirsync',
  'mand',
  'silent',
  'lazytime',
])
const PROPAGATIONS: ReadonlySet<string> = new Set<Propagation>([
  'private',
  'rprivate',
  'slave',
  'rslave',
  'shared',
  'rshared',
  'unbindable',
  'runbindable',
])
/** What is so without a word. */
const DEFAULTS = new Set([
  'rw',
  'suid',
  'dev',
  'exec',
  'atime',
  'diratime',
  'norelatime',
  'nostrictatime',
  'async',
  'defaults',
  'rrw',
  'symfollow',
  'copy',
  'nocopy',
  'z',
  'Z',
  'delegated',
  'cached',
  'consistent',
  'tmpcopyup',
  'idmap', // the mount says how
])
/** Flags that also hold for what is mounted below (`rro` and friends). */
const RECURSIVE: Readonly<Record<string, MountFlag>> = {
  rro: 'ro',
  rnosuid: 'nosuid',
  rnodev: 'nodev',
  rnoexec: 'noexec',
  rnoatime: 'noatime',
  rnodiratime: 'nodiratime',
}

interface Options {
  readonly flags: MountFlag[]
  readonly recursiveFlags: boolean
  readonly bind: 'no' | 'bind' | 'rbind'
  readonly propagation: Propagation | undefined
  readonly data: string
}

export function mountSteps({ spec, rootless }: Bundle, { cgroupMounts }: CompileOptions): ChildStep[] {
  return (spec.mounts ?? []).flatMap((mount) => {
    if (mount.type === 'cgroup') return cgroupSteps(mount, cgroupMounts, hasCgroupNamespace(spec))
    return [mountStep(mount, rootless)]
  })
}

function mountStep(mount: MountSpec, rootless: boolean): ChildStep {
  const options = readOptions(mount.options ?? [])
  const target = mount.destination
  const { flags, propagation, recursiveFlags, data } = options
  if (mount.type === 'overlay') return overlayStep(mount)
  if (options.bind !== 'no' || mount.type === 'bind') {
    const recursive = options.bind === 'rbind'
    const source = mount.source ?? ''
    const given = propagation !== undefined && { propagation }
    return {
      do: 'bind',
      source,
      target,
      recursive,
      flags,
      recursiveFlags,
      ...given,
      create: 'directory',
      optional: false,
      ...(mount.within !== undefined && { within: mount.within }),
      ...idMapOf(mount),
    }
  }
  const type = mount.type ?? 'none'
  // A user namespace may not own the kernel's message queues of an older IPC namespace.
  const optional = rootless && type === 'mqueue'
  return { do: 'mount', type, source: mount.source ?? type, target, flags, data, create: 'directory', optional }
}

/** Directories are told apart by colons; one in a name has a backslash before it. */
function overlayStep({ destination: target, options = [] }: MountSpec): ChildStep {
  const optionOf = (key: string) => options.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1) ?? ''
  const lower = optionOf('lowerdir').match(/(?:\\.|[^:\\])+/gs) ?? []
  const rest = options.filter((word) => !/^(?:lower|upper|work)dir=/.test(word) && !DEFAULTS.has(word))
  return {
    do: 'overlay',
    target,
    lower: lower.map((path) => path.replace(/\\(.)/gs, '$1')),
    upper: optionOf('upperdir'),
    work: optionOf('workdir'),
    options: rest,
  }
}

function idMapOf({ uidMappings = [], gidMappings = [] }: MountSpec): Partial<Extract<ChildStep, { do: 'bind' }>> {
  if (uidMappings.length === 0 && gidMappings.length === 0) return {}
  const ranges = (mappings: readonly IdMapping[]) =>
    mappings.map(({ containerID, hostID, size }) => ({ inside: containerID, outside: hostID, size }))
  return { idMap: { uids: ranges(uidMappings), gids: ranges(gidMappings) } }
}

function readOptions(words: readonly string[]): Options {
  const flags: MountFlag[] = []
  const data: string[] = []
  let recursiveFlags = false
  let bind: Options['bind'] = 'no'
  let propagation: Propagation | undefined
  for (const word of words) {
    const recursive = RECURSIVE[word]
    if (FLAGS.has(word)) flags.push(word as MountFlag)
    else if (PROPAGATIONS.has(word)) propagation = word as Propagation
    else if (word === 'bind' || word === 'rbind') bind = word
    else if (recursive !== undefined) {
      flags.push(recursive)
      recursiveFlags = true
    } else if (word === 'ridmap') throw new LaunchImpossible('submounts cannot be id-mapped as well', 'use idmap')
    else if (!DEFAULTS.has(word)) data.push(word)
  }
  return { flags, recursiveFlags, bind, propagation, data: data.join(',') }
}

function hasCgroupNamespace({ linux = {} }: RuntimeSpec): boolean {
  return (linux.namespaces ?? []).some(({ type }) => type === 'cgroup')
}

type CgroupMounts = CompileOptions['cgroupMounts']

/**
 * What a cgroup mount shows: version 2 is one file system; version 1 one for each hierarchy, with the names of joined
 * controllers as links to it.
 */
function cgroupSteps(mount: MountSpec, hierarchies: CgroupMounts, ownNamespace: boolean): ChildStep[] {
  const { flags } = readOptions(mount.options ?? [])
  const target = mount.destination
  const shared = { flags, create: 'directory', optional: false } as const
  const [only] = hierarchies
  if (only === undefined) return []
  if (hierarchies.length === 1 && only.version === 2)
    return [{ do: 'mount', type: 'cgroup2', source: 'cgroup', target, data: '', ...shared }]
  const readOnly = flags.includes('ro')
  const writable = flags.filter((flag) => flag !== 'ro')
  return [
    { do: 'mount', type: 'tmpfs', source: 'cgroup', target, data: 'mode=755', ...shared, flags: writable },
    ...hierarchies.flatMap((hierarchy) => {
      const at = `${target}/${hierarchy.name}`
      return ownNamespace ? hierarchySteps(hierarchy, at, flags) : groupSteps(hierarchy, at, flags)
    }),
    ...(readOnly ? [remount(target)] : []),
  ]
}

/** In a cgroup namespace a fresh mount begins at the namespace's root: the container's group. */
function hierarchySteps(hierarchy: CgroupMounts[number], target: string, flags: readonly MountFlag[]): ChildStep[] {
  const { version, options } = hierarchy
  const type = version === 2 ? 'cgroup2' : 'cgroup'
  const writable = flags.filter((flag) => flag !== 'ro')
  const common = { target, flags: writable, create: 'directory', optional: false } as const
  return [
    { do: 'mount', type, source: 'cgroup', data: options, ...common },
    // Of this mount alone: the superblock is the host's too.
    ...(flags.includes('ro') ? [remount(target)] : []),
    ...aliasSteps(hierarchy, target),
  ]
}

/** In the host's a fresh mount would show the groups of the whole machine: the container's own is bound instead. */
function groupSteps(hierarchy: CgroupMounts[number], target: string, flags: readonly MountFlag[]): ChildStep[] {
  const { group } = hierarchy
  if (group === undefined) return []
  const shown = { source: group, target, flags, recursive: false, recursiveFlags: false } as const
  return [{ do: 'bind', ...shown, create: 'directory', optional: false }, ...aliasSteps(hierarchy, target)]
}

function aliasSteps({ name }: CgroupMounts[number], target: string): ChildStep[] {
  if (!name.includes(',')) return []
  const beside = target.slice(0, -name.length)
  return name.split(',').map((alias): ChildStep => ({ do: 'symlink', target: `${beside}${alias}`, to: name }))
}

function remount(target: string): ChildStep {
  return { do: 'remount', target, set: ['ro'], clear: [], recursive: false }
}
