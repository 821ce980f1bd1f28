/** The ids of a user namespace, as a runtime-spec document has them (runtime-spec, config-linux.md#user-namespace-mappings). */

import type { RuntimeSpec } from '../../plugins/contract.ts'
import type { HostStep } from '../plan.ts'
import type { CompileOptions } from './options.ts'

/** Nothing for a container that has no user namespace of its own. */
export function idMapSteps(spec: RuntimeSpec, { mapHelpers }: Pick<CompileOptions, 'mapHelpers'>): HostStep[] {
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {}
  if (uidMappings.length === 0 && gidMappings.length === 0) return []
  const range = (mapping: { containerID: number; hostID: number; size: number }) => ({
    inside: mapping.containerID,
    outside: mapping.hostID,
    size: mapping.size,
  })
  return [{ do: 'map-ids', uids: uidMappings.map(range), gids: gidMappings.map(range), helpers: mapHelpers }]
}
