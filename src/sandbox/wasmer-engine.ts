/**
 * Runs a module on @wasmer/wasi: everything but the standard streams is in memory, and there is no path to the host at all.
 */
import { init, WASI } from '@wasmer/wasi'
import { compileModule, type Ending, entryOf, instantiateModule, noMemory, trapName, usesPreview1 } from './engine.ts'
import { ModuleUnsupported } from './errors.ts'
import type { FoundModule } from './find-module.ts'
import type { ImageFile } from './image-files.ts'
import { type WasiFunctions, withLiveStdio } from './live-stdio.ts'

export interface EngineOptions {
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly files: Iterable<ImageFile>
}

/** All of an image's files are in memory while it runs: more than this wants the complete engine. */
const MAX_FILES_BYTES = 256 << 20

/** @throws {ModuleInvalid} it does not compile @throws {ModuleUnsupported} it wants what this engine does not give */
export async function runOnWasmer(found: FoundModule, { args, env, files }: EngineOptions): Promise<Ending> {
  const module = await compileModule(found)
  await init()
  const wasi = new WASI({ args: [...args], env: environment(env), preopens: { '/': '/' } })
  fillFiles(wasi, files)
  const usesWasi = usesPreview1(module)
  let memory: WebAssembly.Memory | undefined
  const imports = usesWasi ? liveImports(wasi, module, () => memory ?? noMemory()) : {}
  const instance = await instantiateModule(module, imports)
  memory = instance.exports['memory'] as WebAssembly.Memory | undefined
  const entry = entryOf(instance, found)
  return usesWasi ? start(wasi, instance, entry) : call(entry)
}

function liveImports(wasi: WASI, module: WebAssembly.Module, memory: () => WebAssembly.Memory): WebAssembly.Imports {
  const imports = wasi.getImports(module) as unknown as { wasi_snapshot_preview1: WasiFunctions }
  return { wasi_snapshot_preview1: withLiveStdio(imports.wasi_snapshot_preview1, memory) }
}

/** Its own `start` hides what went wrong in a text: the entry is called through a function that keeps the error itself. */
function start(wasi: WASI, instance: WebAssembly.Instance, entry: () => unknown): Ending {
  let thrown: unknown
  const guarded = () => {
    try {
      entry()
    } catch (error) {
      thrown = error
      throw error
    }
  }
  const exports = { ...instance.exports, _start: guarded }
  const proxy = Object.create(WebAssembly.Instance.prototype, { exports: { value: exports } }) as WebAssembly.Instance
  try {
    return { status: wasi.start(proxy) & 0xff }
  } catch (error) {
    return { trap: trapName(thrown ?? error) }
  }
}

function call(entry: () => unknown): Ending {
  try {
    entry()
    return { status: 0 }
  } catch (error) {
    return { trap: trapName(error) }
  }
}

function environment(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
}

function fillFiles({ fs }: WASI, files: Iterable<ImageFile>): void {
  let total = 0
  for (const file of files) {
    if (file.directory) {
      fs.createDir(file.path)
      continue
    }
    total += file.sizeBytes
    if (total > MAX_FILES_BYTES) {
      const limit = `${MAX_FILES_BYTES >> 20} MiB`
      throw new ModuleUnsupported(
        `the image holds more than ${limit}, too much for the in-memory sandbox`,
        'make the image smaller',
      )
    }
    const open = fs.open(file.path, { read: true, write: true, create: true })
    open.write(file.read())
    open.flush()
    open.free()
  }
}
