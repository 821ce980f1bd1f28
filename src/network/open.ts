/** Opens the network room. Nothing is loaded before a method needs it. */
import type { NetworkRoom } from './room.ts'
import type { NetworkEngine, NetworkUsers } from './types.ts'

export function openNetworkEngine(room: NetworkRoom, users: NetworkUsers): NetworkEngine {
  return {
    check: async (options) => (await import('./check.ts')).checkNetworks(room, options),
    create: async (name, flags) => (await import('./create.ts')).createNetwork(room, name, flags),
    list: async (filters) => (await import('./list.ts')).summarizeNetworks(room, users, filters),
    inspect: async (name) => (await import('./inspect.ts')).inspectNetwork(room, users, name),
    remove: async (name, options = {}) => {
      const { removeNetwork, removeNetworkIfThere } = await import('./remove.ts')
      await (options.force ? removeNetworkIfThere(room, users, name) : removeNetwork(room, users, { name }))
    },
    prune: async (filters) => (await import('./remove.ts')).pruneNetworks(room, users, filters),
    takeDownIdle: async () => (await import('./linger.ts')).takeDownIdle(room),
  }
}
