/** What the container room asks of the host's kernel room: profiles, id mappings, control groups. */
import { writeFile } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import type { IdRange } from '../linux/plan.ts'
import type { IdMapping, RuntimeSpec, SeccompSpec } from '../oci/runtime-spec.ts'
import type { CgroupSteps } from '../plugins/contract.ts'
import type { HostConfig } from './config.ts'

export function isRootless(): boolean {
  return process.geteuid?.() !== 0
}

/** No filter for `unconfined`, nor for a privileged container that does not name one. */
export async function seccompFor(host: HostConfig, capabilities: readonly string[]): Promise<SeccompSpec | undefined> {
  if (host.Seccomp === 'unconfined' || (host.Seccomp === undefined && host.Privileged)) return undefined
  if (host.Seccomp === undefined) {
    const { defaultProfile } = await import('../linux/seccomp/default-profile.ts')
    return defaultProfile(capabilities)
  }
  const { parseProfile } = await import('../linux/seccomp/parse-profile.ts')
  return parseProfile(host.Seccomp, { arch: process.arch, kernel: release(), capabilities })
}

/** Of the user namespace of an ordinary user's containers; root's containers have none. */
export async function readIdMappings(): Promise<{ uids: IdMapping[]; gids: IdMapping[] } | undefined> {
  if (!isRootless()) return undefined
  const linux = await import('../linux/id-mappings.ts')
  const { uids, gids } = linux.readIdMappings()
  return { uids: uids.map(toMapping), gids: gids.map(toMapping) }
}

function toMapping({ inside, outside, size }: IdRange): IdMapping {
  return { containerID: inside, hostID: outside, size }
}

export async function cgroupSteps({ linux }: RuntimeSpec): Promise<CgroupSteps> {
  const { cgroupSteps: stepsOf } = await import('../linux/cgroups/steps.ts')
  return stepsOf({ cgroupsPath: linux?.cgroupsPath ?? '/', resources: linux?.resources ?? {}, rootless: isRootless() })
}

/**
 * The kernel makes a move between control groups wait for a grace period of 10–20 ms, unless another move has just done
 * so. Moving ourselves to where we are, in the background, gets that over with while the container is being prepared.
 */
export async function hastenCgroups(): Promise<void> {
  if (isRootless()) return
  const { readHierarchies } = await import('../linux/cgroups/hierarchies.ts')
  const own = readHierarchies().find(({ controllers }) => controllers.length > 0)
  if (own === undefined) return
  // Where the kernel refuses (version 2, a group with groups below), the container's move is merely as slow as ever.
  writeFile(join(own.mount, own.self, 'cgroup.procs'), String(process.pid), { flag: 'r+' }, () => {})
}

/** For the ends that no supervisor saw; otherwise it has removed the groups. Kills what is left in them. */
export async function destroyGroups(cgroupsPath: string): Promise<void> {
  if (isRootless()) return
  const { openCgroupControl } = await import('../linux/cgroups/control.ts')
  await openCgroupControl(cgroupsPath).destroy()
}
