/** Opens the volume room; its code is loaded when it is asked for something. */
import type { VolumeRoom } from './room.ts'
import type { VolumeEngine } from './types.ts'

export function openVolumes(room: VolumeRoom): VolumeEngine {
  return {
    create: async (volume) => (await (await import('./store.ts')).createVolume(room, volume)).name,
    list: async (filters = []) => (await import('./list.ts')).listDocuments(room, filters),
    inspect: async (name) => (await import('./list.ts')).inspectVolume(room, name),
    remove: async (name, options) => (await import('./store.ts')).removeVolume(room, name, options),
    prune: async (options) => (await import('./list.ts')).pruneVolumes(room, options),
    check: async (options) => (await import('./check.ts')).checkVolumes(room, options),
    clone: async (from, to, signal) => (await import('./clone.ts')).cloneVolume(room, { from, to, signal }),
    rename: async (from, to) => (await import('./rename.ts')).renameVolume(room, from, to),
    export: async (name, output, signal) => (await import('./archive.ts')).exportVolume(room, name, { output, signal }),
    import: async (name, input, signal) => (await import('./archive.ts')).importVolume(room, name, { input, signal }),
    usage: async () => (await import('./list.ts')).volumeUsage(room),
  }
}
