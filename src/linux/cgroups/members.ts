/** Which groups a container's first process is in, and which processes are in a container's groups. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Hierarchy, readHierarchies, readHierarchiesOf } from './hierarchies.ts'

/**
 * The directories of those groups of a process that belong to its container. Asked of the process, not computed:
 * whoever started the container may have been in other groups than we are, and the process may have moved below.
 */
export function groupsOfProcess(pid: number, cgroupsPath: string): readonly string[] {
  return ownGroups(pid, cgroupsPath).map(({ mount, self }) => join(mount, self))
}

/**
 * The host's hierarchies, each with that group in `self` below which the container's groups are: whoever started it may
 * have been in other groups than we are.
 */
export function hierarchiesOfContainer(pid: number, cgroupsPath: string): readonly Hierarchy[] {
  const above = (self: string) => self.slice(0, `${self}/`.indexOf(`${cgroupsPath}/`)) || '/'
  const bases = new Map(ownGroups(pid, cgroupsPath).map(({ mount, self }) => [mount, above(self)]))
  return readHierarchies().map((hierarchy) => ({ ...hierarchy, self: bases.get(hierarchy.mount) ?? hierarchy.self }))
}

/** @returns pids in the host's numbers; undefined when the container has no groups, or they are gone */
export function membersOfContainer(pid: number, cgroupsPath: string): readonly number[] | undefined {
  const [own] = ownGroups(pid, cgroupsPath)
  const top = own === undefined ? runtimeGroup(cgroupsPath) : join(own.mount, upTo(own.self, cgroupsPath))
  return top === undefined ? undefined : membersBelow(top)
}

function ownGroups(pid: number, cgroupsPath: string): readonly Hierarchy[] {
  let hierarchies: readonly Hierarchy[]
  try {
    hierarchies = readHierarchiesOf(pid)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return []
    throw error
  }
  return hierarchies.filter(({ self }) => `${self}/`.includes(`${cgroupsPath}/`))
}

function upTo(self: string, cgroupsPath: string): string {
  return self.slice(0, `${self}/`.indexOf(`${cgroupsPath}/`) + cgroupsPath.length)
}

/** Of a foreign runtime, whose own process is in no group of the container: below the root, wherever we are. */
function runtimeGroup(cgroupsPath: string): string | undefined {
  const name = cgroupsPath.replace(/^\/coracle\/(?=[^/]+$)/, '/coracle-')
  return readHierarchies()
    .map(({ mount }) => join(mount, name))
    .find((path) => existsSync(join(path, 'cgroup.procs')))
}

/** @returns the processes of a group's directory and of all groups below; none when it is gone */
export function membersBelow(group: string): readonly number[] {
  try {
    const own = readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
    const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    return [...own, ...below.flatMap(({ name }) => membersBelow(join(group, name)))]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENODEV') return [] // it has just been removed
    throw error
  }
}
