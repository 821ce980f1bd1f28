/** Opens the part of the engine that is about the whole installation; each answer's code is loaded when it is asked for. */
import type { SystemRoom } from './room.ts'
import type { SystemEngine } from './types.ts'

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
