/**
 * What a walk through a part of a context has come to, by the sum of all that the walk was told: where the same would be told
 * again, nothing needs to be told, or thought about, at all.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomHex } from '../../util/random.ts'
import { readRegularFile } from '../../util/read-regular-file.ts'

export interface PartDigest {
  readonly digest: string
  /** Of what was seen: as `openStamp` makes it. */
  readonly stamp: string
}

export interface KnownWalk {
  /** Before the walk. */
  readonly nowMs: number
  /** Of what the last such walk was told; undefined: none is known. */
  readonly sum: string | undefined
  /** @returns what it has come to, if it was told the same */
  find(sum: string): PartDigest | undefined
  /** For the next time. Only of files that cannot have changed since `nowMs` without a trace. */
  note(sum: string, part: PartDigest): void
}

/** Of the walk and what is made of it; another number forgets all that earlier ones have come to. */
const VERSION = 1
const KNOWN = /^([0-9a-f]{64}) ([0-9a-f]{64}) ([0-9a-f]{64})\n$/
const MAX_BYTES = 4096

/**
 * @param directory - of `fingerprintDirectory`
 * @param shape - all that decides about the digest, but for the files: where they are, and which of them count
 */
export function openKnownWalk(directory: string, shape: readonly unknown[], nowMs: number = Date.now()): KnownWalk {
  const name = createHash('sha256').update(JSON.stringify([VERSION, ...shape]))
  const path = join(directory, `${name.digest('hex')}.walk`)
  const known = readKnown(path)
  return {
    nowMs,
    sum: known?.sum,
    find: (sum) => (known?.sum === sum ? known : undefined),
    note: (sum, { digest, stamp }) => writeKnown(path, `${sum} ${digest} ${stamp}\n`),
  }
}

interface Known extends PartDigest {
  readonly sum: string
}

function readKnown(path: string): Known | undefined {
  try {
    const [, sum, digest, stamp] = KNOWN.exec(String(readRegularFile(path, MAX_BYTES))) ?? []
    return sum === undefined || digest === undefined || stamp === undefined ? undefined : { sum, digest, stamp }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Others may do the same at the same time: the last one counts. */
function writeKnown(path: string, text: string): void {
  const partial = `${path}.${randomHex(8)}`
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
  try {
    writeFileSync(partial, text, { mode: 0o600, flag: 'wx' })
    renameSync(partial, path)
  } catch (error) {
    rmSync(partial, { force: true })
    // Somebody wants all of this forgotten.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
