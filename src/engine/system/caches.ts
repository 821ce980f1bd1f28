/** What is kept only to be quick: components and modules as they were made ready, filters as they were compiled. */
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Paths } from '../../paths.ts'

interface Kept {
  readonly path: string
  readonly sizeBytes: number
  readonly usedAtMs: number
}

export interface CacheUsage {
  readonly files: number
  readonly sizeBytes: number
}

/** A container that is about to start has looked for its file, and will open it. */
const IN_USE_MS = 60_000

export function cacheUsage(paths: Paths): CacheUsage {
  const files = keptFiles(paths)
  return { files: files.length, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }
}

/** All but what was used in the last minute. @returns how many bytes that frees */
export function pruneCaches(paths: Paths, nowMs: number = Date.now()): number {
  const idle = keptFiles(paths).filter(({ usedAtMs }) => usedAtMs < nowMs - IN_USE_MS)
  for (const { path } of idle) rmSync(path, { force: true })
  return idle.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

/** Others may remove some meanwhile. */
function keptFiles({ root }: Paths): Kept[] {
  const directory = join(root, 'cache')
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return []
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const path = join(directory, name)
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats?.isFile() ? [{ path, sizeBytes: stats.size, usedAtMs: stats.mtimeMs }] : []
  })
}
