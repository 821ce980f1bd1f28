/**
 * Compiled code of earlier runs, one file for each command, because each needs other functions of the program. Holds what
 * a run of it has compiled, so that the next one compiles nothing.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readPaths } from './paths.ts'

/** With less free on the disk there is better use for it. */
const ENOUGH_BYTES = 16 << 20

export interface CodeCache {
  readonly data: Buffer | undefined
  /** Never fails: without it the next start is merely slower. */
  store(data: Buffer): void
}

/**
 * @param bundle - path of the program; its name changes with its content, since V8 compares no more than lengths
 * @param argv - the first word names the command, as far as can be known before anything is loaded
 */
export function codeCache(bundle: string, argv: readonly string[]): CodeCache {
  const { root } = readPaths()
  const directory = join(root, 'cache')
  const build = `${basename(bundle, '.js')}-${process.version}-`
  const name = `${build}${/^[a-z]{2,16}$/.exec(argv[0] ?? '')?.[0] ?? 'other'}`
  return {
    data: isOwnAlone(directory) ? readIfThere(join(directory, name)) : undefined,
    store(data) {
      try {
        lstatSync(root) // a data root that has been removed is not made again
        mkdirSync(directory, { mode: 0o700, recursive: true })
        if (!isOwnAlone(directory)) return
        for (const other of readdirSync(directory))
          if (other.startsWith('program-') && !other.startsWith(build)) rmSync(join(directory, other))
        if (freeBytes(directory) < ENOUGH_BYTES) return
        const fresh = join(directory, `${name}.${process.pid}`)
        writeFileSync(fresh, data, { mode: 0o600 })
        renameSync(fresh, join(directory, name))
      } catch {
        // a read-only home: slower, and no reason to fail
      }
    },
  }
}

/** What is in there runs with our rights: only a directory that nobody else can have written to will do. */
function isOwnAlone(directory: string): boolean {
  try {
    const { uid, mode } = lstatSync(directory)
    return uid === process.geteuid?.() && (mode & 0o22) === 0
  } catch {
    return false
  }
}

function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
