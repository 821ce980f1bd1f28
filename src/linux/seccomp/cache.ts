/** Compiled filters on disk: the same profile is compiled once, not at each `run`. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SeccompSpec } from '../../oci/runtime-spec.ts'
import type { CompiledFilter } from './compile.ts'

/** Changes whenever the compiler's output does. */
const COMPILER_VERSION = 2

/** @throws {SeccompInvalid} the profile says what seccomp cannot do */
export async function cachedFilter(spec: SeccompSpec, directory: string): Promise<CompiledFilter> {
  const key = createHash('sha256')
    .update(`${COMPILER_VERSION} ${process.arch} ${JSON.stringify(spec, bigText)}`)
    .digest('hex')
  const path = join(directory, key)
  const cached = readCached(path)
  if (cached !== undefined) return cached
  const { compileSeccomp } = await import('./compile.ts')
  const filter = compileSeccomp(spec)
  writeCached(directory, path, filter)
  return filter
}

/** A 64-bit value of a condition may be a bigint, which JSON does not know. */
function bigText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

/** Four bytes of flags, then the program, then its checksum: a cut file is no filter. */
function readCached(path: string): CompiledFilter | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch {
    return undefined
  }
  const body = bytes.subarray(0, -CHECKSUM_BYTES)
  if (bytes.length <= CHECKSUM_BYTES + 4 || !checksum(body).equals(bytes.subarray(-CHECKSUM_BYTES))) return undefined
  return { flags: body.readUInt32LE(0), program: body.subarray(4) }
}

/** A cache that cannot be written is no reason not to run. */
function writeCached(directory: string, path: string, { flags, program }: CompiledFilter): void {
  const head = Buffer.alloc(4)
  head.writeUInt32LE(flags)
  const body = Buffer.concat([head, program])
  const partial = `${path}.${process.pid}`
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeFileSync(partial, Buffer.concat([body, checksum(body)]), { mode: 0o600 })
    renameSync(partial, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
  }
}

const CHECKSUM_BYTES = 32

function checksum(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}
