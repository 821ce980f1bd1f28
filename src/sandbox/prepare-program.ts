/** Before a container starts: what the program is, and, of a component, what would take the runner long. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { CoracleError } from '../errors.ts'
import type { Bundle } from '../plugins/contract.ts'
import { findModule } from './find-module.ts'
import { openImageFiles } from './image-files.ts'
import { isComponent, readModuleFacts } from './module-kind.ts'
import type { Prepared } from './preview2/prepare.ts'

/** @returns nothing for what is no component, or is where only the runner can see it: in a volume */
export async function prepareProgram(bundle: Bundle, directory: string | undefined): Promise<Prepared | undefined> {
  // Sources have no bundled transpiler, and nobody waits for them.
  if (directory === undefined || import.meta.filename.endsWith('.ts')) return undefined
  const head = programOf(bundle, readHead)
  if (head === undefined || !isComponent(head)) return undefined
  const bytes = programOf(bundle, readFileSync)
  if (bytes === undefined) return undefined
  const facts = readModuleFacts(bytes)
  if (facts.kind !== 'component') return undefined
  const { worldOf } = await import('./preview2/world.ts')
  const { isCommand, isServer, suspends } = worldOf(facts)
  if (!isCommand && !isServer) return undefined
  const { prepareComponent } = await import('./preview2/prepare.ts')
  return prepareComponent(bytes, directory, { suspends })
}

type ReadFile = (path: string) => Buffer

/** Enough to tell a component: modules, which may be large, are for the runner to read. */
function readHead(path: string): Buffer {
  const file = openSync(path, 'r')
  try {
    const head = Buffer.alloc(8)
    return head.subarray(0, readSync(file, head))
  } finally {
    closeSync(file)
  }
}

function programOf({ spec, rootfs }: Bundle, readFile: ReadFile): Buffer | undefined {
  const { args = [], env = [], cwd = '/' } = spec.process ?? {}
  try {
    if (rootfs.kind === 'module') return readFile(rootfs.path)
    const layers = [rootfs.upper, ...rootfs.lower]
    return findModule({ layers, args, env, cwd }, openImageFiles(layers, readFile)).bytes
  } catch (error) {
    // The runner finds the same, and says it.
    if (error instanceof CoracleError || (error instanceof Error && 'code' in error)) return undefined
    throw error
  }
}
