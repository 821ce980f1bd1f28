/** Opens the build room. Nothing heavy is loaded before a method needs it. */
import type { BuildRoom } from './room.ts'
import type { BuildEngine } from './types.ts'

export function openBuilder(room: BuildRoom): BuildEngine {
  return {
    build: async (request) => (await import('./build.ts')).buildImage(room, request),
    call: async (request, call) => (await import('./call.ts')).callFrontend(room, request, call),
    usage: async (filters = []) => (await import('./cache/usage.ts')).cacheUsage(room, filters),
    platforms: async () => (await import('./platforms.ts')).buildPlatforms(),
    prune: async (options) => (await import('./cache/prune.ts')).pruneCache(room, options),
  }
}
