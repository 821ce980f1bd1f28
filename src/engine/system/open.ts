/** Opens the part of the engine that is about the whole installation; each answer's code is loaded when it is asked for. */
import type { ContainerEngine } from '../../containers/types.ts'
import type { ImageStore } from '../../images/types.ts'
import type { Paths } from '../../paths.ts'
import type { Database } from '../../state/database.ts'
import type { SystemEngine } from './types.ts'

export interface SystemRoom {
  readonly paths: Paths
  readonly database: Database
  readonly images: ImageStore
  readonly containers: ContainerEngine
}

export function openSystem(room: SystemRoom): SystemEngine {
  return {
    info: async () => (await import('./info.ts')).systemInfo(room),
    diskUsage: async () => (await import('./disk-usage.ts')).diskUsage(room),
    prune: async (options) => (await import('./prune.ts')).pruneSystem(room, options),
    events: async function* events(options) {
      yield* (await import('./events.ts')).followEvents(room, options)
    },
    check: async (options) => (await import('./check.ts')).checkStore(room, options),
  }
}
