/** What every engine for core modules does the same way: from bytes to an instance, from a thrown thing to an ending. */
import { ModuleInvalid, ModuleUnsupported } from './errors.ts'
import type { FoundModule } from './find-module.ts'

/** How a module ended: by itself, or by a fault that WebAssembly calls a trap. */
export type Ending = { readonly status: number } | { readonly trap: string }

/** @throws {ModuleInvalid} it does not compile */
export async function compileModule({ name, bytes }: FoundModule): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes)
  } catch (error) {
    throw new ModuleInvalid(name, (error as Error).message)
  }
}

/** @throws {ModuleUnsupported} it wants what this engine does not give */
export async function instantiateModule(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
): Promise<WebAssembly.Instance> {
  try {
    return await WebAssembly.instantiate(module, imports)
  } catch (error) {
    if (error instanceof RangeError)
      throw new ModuleUnsupported('the module asks for more memory than --memory allows', 'allow more')
    throw new ModuleUnsupported(`the module imports what this sandbox does not have: ${(error as Error).message}`)
  }
}

/** @throws {ModuleInvalid} it exports no such function */
export function entryOf(instance: WebAssembly.Instance, { name, entry }: FoundModule): () => unknown {
  const found = instance.exports[entry]
  if (!isFunction(found)) throw new ModuleInvalid(name, `it exports no function ${entry}`)
  return found
}

export function usesPreview1(module: WebAssembly.Module): boolean {
  return WebAssembly.Module.imports(module).some(({ module: from }) => from === 'wasi_snapshot_preview1')
}

/** @throws {ModuleUnsupported} always: a module that calls WASI must let it see its memory */
export function noMemory(): never {
  throw new ModuleUnsupported('the module exports no memory', 'compile it for wasm32-wasi (wasip1)')
}

/** `memory access out of bounds in function boom`: V8's name for it, and where, when the module names its functions. */
export function trapName(error: unknown): string {
  if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error
  const name = error instanceof RangeError ? 'call stack exhausted' : (error as Error).message
  const where = /^\s+at (?:([^\s(]+) \()?wasm:/m.exec((error as Error).stack ?? '')?.[1]
  return where === undefined ? name : `${name} in function ${where}`
}

function isFunction(value: unknown): value is () => unknown {
  return typeof value === 'function'
}
