/**
 * From a component to what V8 runs: core modules, and JavaScript that joins them. The transpiler is itself a component,
 * compiled to WebAssembly: hostile bytes meet a memory that holds nothing but themselves.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { packageRoot } from '../../package-root.ts'
import { ModuleInvalid } from '../errors.ts'
import type { FoundModule } from '../find-module.ts'

export interface Transpiled {
  readonly code: string
  readonly modules: ReadonlyMap<string, Uint8Array>
  /** Interfaces without their versions. */
  readonly imports: readonly string[]
}

export interface TranspileOptions {
  /** Calls that wait are suspended, so that others go on meanwhile. */
  readonly suspends: boolean
}

interface Transpiler {
  readonly $init: Promise<void>
  generate(bytes: Uint8Array, options: object): { readonly files: [string, Uint8Array][]; readonly imports: string[] }
}

/** Calls of imports that wait, and of exports that may. */
const WAITING = [
  'wasi:io/poll#poll',
  'wasi:io/poll#[method]pollable.block',
  'wasi:io/streams#[method]input-stream.blocking-read',
  'wasi:io/streams#[method]input-stream.blocking-skip',
  'wasi:io/streams#[method]output-stream.blocking-flush',
  'wasi:io/streams#[method]output-stream.blocking-write-and-flush',
  'wasi:io/streams#[method]output-stream.blocking-write-zeroes-and-flush',
  'wasi:io/streams#[method]output-stream.blocking-splice',
]
const ENTRIES = ['wasi:cli/run#run', 'wasi:http/incoming-handler#handle']

/** @throws {ModuleInvalid} it is damaged, or uses what the transpiler does not know */
export async function transpile({ name, bytes }: FoundModule, { suspends }: TranspileOptions): Promise<Transpiled> {
  const transpiler = await loadTranspiler()
  const asyncMode = suspends ? { asyncMode: { tag: 'jspi', val: { imports: WAITING, exports: ENTRIES } } } : {}
  try {
    const { files, imports } = transpiler.generate(bytes, {
      name: 'component',
      noTypescript: true,
      noNodejsCompat: true,
      instantiation: { tag: 'async' },
      base64Cutoff: 0,
      ...asyncMode,
    })
    const code = files.find(([file]) => file === 'component.js')?.[1]
    if (code === undefined) throw new Error('the transpiler has made no code')
    const modules = new Map(files.filter(([file]) => file.endsWith('.wasm')))
    return { code: Buffer.from(code).toString('utf8'), modules, imports }
  } catch (error) {
    throw new ModuleInvalid(name, `the component is damaged, or newer than this sandbox: ${reason(error)}`)
  }
}

/** Its errors are long texts; the first and the last line say what is wrong, and where. */
function reason(error: unknown): string {
  const text = error instanceof Error && 'payload' in error ? String(error.payload) : String(error)
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const said = lines.length > 1 ? `${lines[0]}: ${lines.at(-1)?.trim()}` : text.trim()
  return JSON.stringify(said.slice(0, 200)).slice(1, -1)
}

async function loadTranspiler(): Promise<Transpiler> {
  const path = import.meta.filename.endsWith('.ts')
    ? '@bytecodealliance/jco-transpile/component'
    : pathToFileURL(join(packageRoot, 'dist', 'transpiler', 'transpiler.mjs')).href
  const transpiler = (await import(path)) as Transpiler
  await transpiler.$init
  return transpiler
}
