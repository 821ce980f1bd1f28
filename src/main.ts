/** What `bin/coracle` starts. Turns the compile cache on before anything big is loaded, then hands over. */
import { existsSync, lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { readPaths, statePath } from './paths.ts'

// A supervisor calls back into a data root that has been removed: nothing is left to record, and nothing to be made again.
const [, , topic, , id = ''] = process.argv
if (topic === 'internal' && /^[0-9a-f]{64}$/.test(id) && !existsSync(statePath(readPaths()))) process.exit(0)
const cache = compileCacheDirectory()
if (cache !== undefined) enableCompileCache(cache)
void import('./cli.ts').then(({ runCli }) => runCli(process.argv.slice(2)))

/** Compiled code runs with our rights: only a directory that nobody else can have written to will do. */
function compileCacheDirectory(): string | undefined {
  const { root } = readPaths()
  const directory = join(root, 'cache')
  try {
    mkdirSync(root, { recursive: true, mode: 0o711 })
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const { uid, mode } = lstatSync(directory)
    return uid === process.geteuid?.() && (mode & 0o22) === 0 ? directory : undefined
  } catch {
    return undefined // a read-only home: slower, and no reason to fail
  }
}
