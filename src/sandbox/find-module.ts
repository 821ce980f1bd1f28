/** From the words of a command line to the bytes of a module. */
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { ModuleInvalid, ModuleNotFound } from './errors.ts'
import type { ImageFiles } from './image-files.ts'
import type { WasiJob } from './job.ts'

export interface FoundModule {
  readonly name: string
  /** The exported function to call: `_start` unless the program is `path#function`. */
  readonly entry: string
  readonly bytes: Buffer
}

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin:/'

/** @throws {ModuleNotFound} @throws {ModuleInvalid} it is larger than what can be read at once */
export function findModule(job: WasiJob, files: ImageFiles): FoundModule {
  const [program = ''] = job.args
  const { module } = job
  if (module !== undefined)
    return { name: program, entry: '_start', bytes: readWhole(program, () => readFileSync(module)) }
  const hash = program.lastIndexOf('#')
  const path = hash > 0 ? program.slice(0, hash) : program
  const entry = hash > 0 ? program.slice(hash + 1) : '_start'
  for (const candidate of candidates(path, job)) {
    const bytes = readWhole(path, () => files.read(candidate))
    if (bytes !== undefined) return { name: path, entry, bytes }
  }
  throw new ModuleNotFound(path)
}

/** V8 takes 1 GiB, Node reads 2. */
function readWhole<Bytes>(name: string, read: () => Bytes): Bytes {
  try {
    return read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_FS_FILE_TOO_LARGE') throw error
    throw new ModuleInvalid(name, 'it is larger than 1 GiB')
  }
}

/** As execvp looks: a name with a slash from the working directory, a bare one along PATH, then where images keep it. */
function candidates(path: string, { env, cwd }: WasiJob): string[] {
  if (path.includes('/')) return [posix.resolve(cwd, path)]
  const search = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH
  return [...search.split(':'), cwd, '/'].map((directory) => posix.resolve('/', directory, path))
}
