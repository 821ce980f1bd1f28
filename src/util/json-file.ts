/** Small documents that several processes read while one writes them. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

/** Whole or not at all, for its owner only. */
export function replaceJson(path: string, value: unknown): void {
  writeFileSync(`${path}.part`, JSON.stringify(value), { mode: 0o600 })
  renameSync(`${path}.part`, path)
}

/** One that `replaceJson` has written; undefined where there is none. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
