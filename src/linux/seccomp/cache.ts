/**
 * Compiled filters on disk: the same profile is compiled once, not at each `run`. No cryptography: the directory is ours
 * alone, and the file holds the whole profile it was made from.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SeccompSpec } from '../../oci/runtime-spec.ts'
import type { CompiledFilter } from './compile.ts'

/** Changes whenever the compiler's output does. */
const COMPILER_VERSION = 3

/** @throws {SeccompInvalid} the profile says what seccomp cannot do */
export async function cachedFilter(spec: SeccompSpec, directory: string): Promise<CompiledFilter> {
  const profile = Buffer.from(`${COMPILER_VERSION} ${process.arch} ${JSON.stringify(spec, bigText)}`)
  const path = join(directory, nameOf(profile))
  const cached = readCached(path, profile)
  if (cached !== undefined) return cached
  const { compileSeccomp } = await import('./compile.ts')
  const filter = compileSeccomp(spec)
  writeCached(directory, path, encode(filter, profile))
  return filter
}

/** A 64-bit value of a condition may be a bigint, which JSON does not know. */
function bigText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

/** Two profiles that share a name take turns in its file: of 15 kB, looking at each 16th byte is a millisecond less. */
function nameOf(profile: Buffer): string {
  let hash = profile.length
  for (let at = 0; at < profile.length; at += 16) hash = Math.imul(hash ^ profile.readUInt8(at), FNV_PRIME)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** Flags, length of the program. */
const HEAD_BYTES = 8

/** Head, program and profile, and then head and program again: to compare costs nothing, to add up sums takes milliseconds. */
function encode({ flags, program }: CompiledFilter, profile: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32LE(flags)
  head.writeUInt32LE(program.length, 4)
  return Buffer.concat([head, program, profile, head, program])
}

/** Undefined for a file that was cut or changed, and for that of another profile. */
function readCached(path: string, profile: Buffer): CompiledFilter | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch {
    return undefined
  }
  if (bytes.length < HEAD_BYTES) return undefined
  const end = HEAD_BYTES + bytes.readUInt32LE(4)
  const again = end + profile.length
  if (!bytes.subarray(end, again).equals(profile)) return undefined
  if (!bytes.subarray(again).equals(bytes.subarray(0, end))) return undefined
  return { flags: bytes.readUInt32LE(0), program: bytes.subarray(HEAD_BYTES, end) }
}

/** A cache that cannot be written is no reason not to run. */
function writeCached(directory: string, path: string, bytes: Buffer): void {
  const partial = `${path}.${process.pid}`
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeFileSync(partial, bytes, { mode: 0o600 })
    renameSync(partial, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
  }
}

const FNV_PRIME = 0x01000193
