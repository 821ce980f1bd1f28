/** A WebAssembly file that is to be packed, looked at. */
import { readFileSync, statSync } from 'node:fs'
import { InvalidArgument } from '../../errors.ts'
import { isPreview2 } from '../../sandbox/component-facts.ts'
import { type ModuleFacts, type ModuleKind, readModuleFacts } from '../../sandbox/module-kind.ts'

export interface Program {
  readonly bytes: Buffer
  readonly facts: ModuleFacts
  /** For people. */
  readonly what: string
  /** Serves HTTP: it has no command to run. */
  readonly isProxy: boolean
  /** Why it cannot be started by itself; undefined when it can. */
  readonly library: string | undefined
}

/** Buffers cannot be larger by much, and no program is. */
const MAX_BYTES = 1 << 30

/** @throws {InvalidArgument} it cannot be read, or is no program for WASI */
export function readProgram(path: string): Program {
  const bytes = readBounded(path)
  const facts = readModuleFacts(bytes)
  const refused = REFUSED[facts.kind]
  if (refused !== undefined) throw new InvalidArgument(`${path}: ${refused.reason}`, { hint: refused.hint })
  if (facts.kind !== 'component') {
    const library = facts.kind === 'reactor' ? 'it is a library and exports no _start' : undefined
    return { bytes, facts, what: `${facts.kind} module`, isProxy: false, library }
  }
  const exports = (name: string) => facts.exports.some((each) => isPreview2(each, name))
  const isProxy = exports('wasi:http/incoming-handler')
  const isCommand = exports('wasi:cli/run')
  const library =
    isProxy || isCommand ? undefined : 'it exports neither wasi:cli/run@0.2 nor wasi:http/incoming-handler@0.2'
  const world = isCommand ? ' (wasi:cli/command)' : isProxy ? ' (wasi:http/proxy)' : ''
  return { bytes, facts, what: `component${world}`, isProxy: isProxy && !isCommand, library }
}

const REFUSED: Partial<Record<ModuleKind, { readonly reason: string; readonly hint: string }>> = {
  unknown: { reason: 'it is no WebAssembly, or damaged', hint: 'give a module or component: a .wasm file' },
  text: { reason: 'it is WebAssembly text', hint: 'compile it first: wat2wasm' },
  preview0: { reason: 'it is built for WASI preview 0 (wasi_unstable)', hint: 'build it again for wasm32-wasip1' },
}

function readBounded(path: string): Buffer {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new InvalidArgument(`${path}: no such file`)
  if (!stats.isFile()) throw new InvalidArgument(`${path} is no file`)
  if (stats.size > MAX_BYTES) throw new InvalidArgument(`${path} has ${stats.size} bytes, more than 1 GiB`)
  return readFileSync(path)
}
