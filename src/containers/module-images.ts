/**
 * Names by which users have run images of modules: for them `coracle-native ahead` starts a runner before anything is looked up. A
 * name that means something else by now costs that runner and nothing else.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Paths } from '../paths.ts'

/** The last ones, no more than the native program reads. */
const MAX_NAMES = 32
const MAX_NAME_LENGTH = 255

/** @param name - as it was typed. Never fails: what is not remembered starts later */
export function rememberModuleImage({ root }: Paths, name: string): void {
  const path = join(root, 'cache/runner/images')
  if (name.length > MAX_NAME_LENGTH || /\s/.test(name)) return
  const partial = `${path}.${process.pid}`
  try {
    const known = readIfThere(path).split('\n').filter(Boolean)
    if (known.includes(name)) return
    writeFileSync(
      partial,
      [...known, name]
        .slice(-MAX_NAMES)
        .map((one) => `${one}\n`)
        .join(''),
      { mode: 0o600 },
    )
    renameSync(partial, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    rmSync(partial, { force: true }) // a full disk, or no such directory: no runner starts early here
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
