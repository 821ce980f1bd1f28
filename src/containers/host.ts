/** What the container room asks of the host's kernel room: profiles, id mappings, control groups. */
import { release } from 'node:os'
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

/** For the ends that no supervisor saw; otherwise it has removed the groups. Kills what is left in them. */
export async function destroyGroups(cgroupsPath: string): Promise<void> {
  if (isRootless()) return
  const { openCgroupControl } = await import('../linux/cgroups/control.ts')
  await openCgroupControl(cgroupsPath).destroy()
}
