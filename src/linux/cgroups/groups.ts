/** The groups of one container: one in each hierarchy that is used at all. */
import { join } from 'node:path'
import { type Hierarchy, readHierarchies } from './hierarchies.ts'

export interface Group {
  readonly hierarchy: Hierarchy
  /** Directory on the host. */
  readonly path: string
}

/**
 * @param cgroupsPath - of the runtime-spec document; in version 1 below our own group, so that whatever limits us limits it
 */
export function containerGroups(
  cgroupsPath: string,
  hierarchies: readonly Hierarchy[] = readHierarchies(),
): readonly Group[] {
  return hierarchies
    .filter(isUsed)
    .map((hierarchy) => ({ hierarchy, path: join(baseOf(hierarchy), checked(cgroupsPath)) }))
}

/**
 * Where our groups go. In version 2 a group with processes may not hand controllers on, so root's containers are not below
 * the group of whoever called, but below the root, as docker's are.
 */
export function baseOf({ version, mount, self }: Hierarchy): string {
  return version === 2 && process.geteuid?.() === 0 ? mount : join(mount, self)
}

/**
 * All of version 1, those too that only name processes (`name=systemd`): where a container had no group of its own, its view
 * of the hierarchy would begin at ours. The unified part of a hybrid host controls next to nothing, is not shown to
 * containers, and is left alone.
 */
function isUsed({ version, controllers }: Hierarchy): boolean {
  return version === 1 || controllers.includes('pids') || controllers.includes('memory')
}

export function findGroup(groups: readonly Group[], controller: string): Group | undefined {
  return groups.find(({ hierarchy }) => hierarchy.controllers.includes(controller))
}

function checked(path: string): string {
  if (path.split('/').includes('..')) throw new TypeError(`the cgroup path ${path} leads out`)
  return path
}
