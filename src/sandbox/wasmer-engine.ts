/**
 * Runs a module on @wasmer/wasi: everything but the standard streams is in memory, and there is no path to the host at all.
 */
import { init, WASI } from '@wasmer/wasi'
import { ModuleInvalid, ModuleUnsupported } from './errors.ts'
import type { FoundModule } from './find-module.ts'
import type { ImageFile } from './image-files.ts'
import { type WasiFunctions, withLiveStdio } from './live-stdio.ts'

export interface EngineOptions {
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly files: Iterable<ImageFile>
}

/** How a module ended: by itself, or by a fault that WebAssembly calls a trap. */
export type Ending = { readonly status: number } | { readonly trap: string }

/** All of an image's files are in memory while it runs: more than this wants the complete engine. */
const MAX_FILES_BYTES = 256 << 20

/** @throws {ModuleInvalid} it does not compile @throws {ModuleUnsupported} it wants what this engine does not give */
export async function runOnWasmer(found: FoundModule, { args, env, files }: EngineOptions): Promise<Ending> {
  const module = await compile(found)
  await init()
  const wasi = new WASI({ args: [...args], env: environment(env), preopens: { '/': '/' } })
  fillFiles(wasi, files)
  const usesWasi = WebAssembly.Module.imports(module).some(({ module: from }) => from === 'wasi_snapshot_preview1')
  let memory: WebAssembly.Memory | undefined
  const imports = usesWasi ? liveImports(wasi, module, () => memory ?? noMemory()) : {}
  const instance = await instantiate(module, imports)
  memory = instance.exports['memory'] as WebAssembly.Memory | undefined
  const entry = instance.exports[found.entry]
  if (!isFunction(entry)) throw new ModuleInvalid(found.name, `it exports no function ${found.entry}`)
  return usesWasi ? start(wasi, instance, entry) : call(entry)
}

function isFunction(value: unknown): value is () => unknown {
  return typeof value === 'function'
}

async function compile({ name, bytes }: FoundModule): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes)
  } catch (error) {
    throw new ModuleInvalid(name, (error as Error).message)
  }
}

async function instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): Promise<WebAssembly.Instance> {
  try {
    return await WebAssembly.instantiate(module, imports)
  } catch (error) {
    if (error instanceof RangeError)
      throw new ModuleUnsupported('the module asks for more memory than --memory allows', 'allow more')
    throw new ModuleUnsupported(`the module imports what this sandbox does not have: ${(error as Error).message}`)
  }
}

function liveImports(wasi: WASI, module: WebAssembly.Module, memory: () => WebAssembly.Memory): WebAssembly.Imports {
  const imports = wasi.getImports(module) as unknown as { wasi_snapshot_preview1: WasiFunctions }
  return { wasi_snapshot_preview1: withLiveStdio(imports.wasi_snapshot_preview1, memory) }
}

function noMemory(): never {
  throw new ModuleUnsupported('the module exports no memory', 'compile it for wasm32-wasi (wasip1)')
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

/** `memory access out of bounds in function boom`: V8's name for it, and where, when the module names its functions. */
function trapName(error: unknown): string {
  if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error
  const name = error instanceof RangeError ? 'call stack exhausted' : (error as Error).message
  const where = /^\s+at (?:([^\s(]+) \()?wasm:/m.exec((error as Error).stack ?? '')?.[1]
  return where === undefined ? name : `${name} in function ${where}`
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
