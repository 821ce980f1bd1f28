/** What the container room asks of the host's kernel room: profiles, id mappings, control groups. */
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

export async function readIdMappings(): Promise<
  { uids: readonly IdMapping[]; gids: readonly IdMapping[] } | undefined
> {
  return undefined
}

export async function cgroupSteps(_spec: RuntimeSpec): Promise<CgroupSteps> {
  return { before: [], after: [] }
}
