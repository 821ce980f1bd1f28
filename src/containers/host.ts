/** What the container room asks of the host's kernel room: profiles, id mappings, control groups. */
import type { IdRange } from '../linux/plan.ts'
import type { IdMapping, RuntimeSpec, SeccompSpec } from '../oci/runtime-spec.ts'
import type { CgroupSteps } from '../plugins/contract.ts'
import type { HostConfig } from './config.ts'

export function isRootless(): boolean {
  return process.geteuid?.() !== 0
}

export async function seccompFor(
  _host: HostConfig,
  _capabilities: readonly string[],
): Promise<SeccompSpec | undefined> {
  return undefined
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

export async function cgroupSteps(_spec: RuntimeSpec): Promise<CgroupSteps> {
  return { before: [], after: [] }
}
