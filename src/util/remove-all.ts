/** Removes a tree that somebody else may be removing, or writing to, at the same time. */
import { existsSync, rmSync } from 'node:fs'

const PATIENCE_MS = 10_000

/**
 * Idempotent; when it returns, nothing is there. `rmSync` alone is not enough: it takes a file that vanished under it,
 * anywhere in the tree, for the end of its work, and leaves the rest.
 */
export function removeAll(path: string): void {
  const options = { recursive: true, force: true, maxRetries: 10, retryDelay: 20 } as const
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; ) {
    rmSync(path, options)
    if (!existsSync(path)) return
  }
  throw new Error(`${path} comes back as often as it is removed`)
}
