/** From the words of a command line to the bytes of a module. */
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { ModuleNotFound } from './errors.ts'
import type { ImageFiles } from './image-files.ts'
import type { WasiJob } from './job.ts'

export interface FoundModule {
  readonly name: string
  /** The exported function to call: `_start` unless the program is `path#function`. */
  readonly entry: string
  readonly bytes: Buffer
}

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin:/'

/** @throws {ModuleNotFound} */
export function findModule(job: WasiJob, files: ImageFiles): FoundModule {
  const [program = ''] = job.args
  if (job.module !== undefined) return { name: program, entry: '_start', bytes: readFileSync(job.module) }
  const hash = program.lastIndexOf('#')
  const path = hash > 0 ? program.slice(0, hash) : program
  const entry = hash > 0 ? program.slice(hash + 1) : '_start'
  for (const candidate of candidates(path, job)) {
    const bytes = files.read(candidate)
    if (bytes !== undefined) return { name: path, entry, bytes }
  }
  throw new ModuleNotFound(path)
}

/** As execvp looks: a name with a slash from the working directory, a bare one along PATH, then where images keep it. */
function candidates(path: string, { env, cwd }: WasiJob): string[] {
  if (path.includes('/')) return [posix.resolve(cwd, path)]
  const search = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH
  return [...search.split(':'), cwd, '/'].map((directory) => posix.resolve('/', directory, path))
}
