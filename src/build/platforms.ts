/** What commands of a build can be run for. */
import { compatiblePlatforms, formatPlatform, hostPlatform } from '../images/platform.ts'
import { emulatedArchitectures } from '../linux/emulators.ts'

/** This host's, what it runs as well, and what there are emulators for; modules need none. */
export function buildPlatforms(): readonly string[] {
  const host = hostPlatform()
  const emulated = emulatedArchitectures().map((architecture) => ({ os: 'linux', architecture }))
  const platforms = [host, ...compatiblePlatforms(host), ...emulated].map(formatPlatform)
  return [...new Set([...platforms, 'wasi/wasm'])]
}
