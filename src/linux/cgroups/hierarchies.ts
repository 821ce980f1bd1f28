/** Which control-group hierarchies this host has, and where in them this process is. The one place that asks. */
import { readFileSync } from 'node:fs'

export interface Hierarchy {
  readonly version: 1 | 2
  /** Of version 1: those mounted together, e.g. `cpu,cpuacct`, or `name=systemd`. Of version 2: what it may control. */
  readonly controllers: readonly string[]
  /** Mount point on the host. */
  readonly mount: string
  /** This process's own group, as a path below the mount point; `/` at its root. */
  readonly self: string
}

export interface HostFiles {
  readonly mountinfo: string
  readonly selfCgroup: string
  /** Reads `cgroup.controllers` of a version 2 mount point. */
  readonly controllersOf: (mount: string) => string
}

let cached: readonly Hierarchy[] | undefined

export function readHierarchies(): readonly Hierarchy[] {
  cached ??= readHierarchiesOf('self')
  return cached
}

/** The same with another process's own groups in `self`. @throws {Error} ENOENT: there is no such process */
export function readHierarchiesOf(pid: number | 'self'): readonly Hierarchy[] {
  return parseHierarchies({
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    selfCgroup: readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
    controllersOf: (mount) => readOptional(`${mount}/cgroup.controllers`),
  })
}

/** From proc_pid_mountinfo(5) and cgroups(7). */
export function parseHierarchies(files: HostFiles): readonly Hierarchy[] {
  const selves = parseSelf(files.selfCgroup)
  const found = files.mountinfo.split('\n').flatMap((line): Hierarchy[] => {
    const [before = '', after = ''] = line.split(' - ')
    const [, , , root = '/', mount = ''] = before.split(' ')
    const [type, , superOptions = ''] = after.split(' ')
    if (type === 'cgroup2') {
      const self = below(selves.get('') ?? '/', root)
      return [{ version: 2, controllers: words(files.controllersOf(mount)), mount, self }]
    }
    if (type !== 'cgroup') return []
    const options = superOptions.split(',')
    const entry = [...selves].find(
      ([names]) => names !== '' && names.split(',').every((name) => options.includes(name)),
    )
    if (entry === undefined) return []
    const [names, path] = entry
    return [{ version: 1, controllers: names.split(','), mount, self: below(path, root) }]
  })
  // Bound a second time elsewhere (into a chroot, say) it is the same hierarchy.
  return [...new Map(found.toReversed().map((one) => [`${one.version} ${one.controllers}`, one])).values()].toReversed()
}

/** `ID:CONTROLLERS:PATH`, by controllers; empty for version 2. */
function parseSelf(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line !== '')
  return new Map(
    lines.map((line) => {
      const [, controllers = '', ...path] = line.split(':')
      return [controllers, path.join(':')]
    }),
  )
}

/** A mount may show only a part of a hierarchy (its root): paths are as seen from there. */
function below(path: string, root: string): string {
  if (root === path) return '/'
  return root !== '/' && path.startsWith(`${root}/`) ? path.slice(root.length) : path
}

function words(text: string): readonly string[] {
  return text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
