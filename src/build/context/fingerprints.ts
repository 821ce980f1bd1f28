/** Digests of a context's files, remembered by size and times: what has not been touched is not read again. */
import type { ByteString } from '../../linux/apply.ts'
import type { TreeEntry } from '../../linux/archive.ts'
import type { Database } from '../../state/database.ts'

export interface Fingerprints {
  /** The digest (sha-256, hexadecimal) the file had when it looked as it does now. */
  get(file: TreeEntry): string | undefined
  set(file: TreeEntry, digest: string): void
  /** Stores what was learned, of files that are still there. */
  save(isPresent: (path: ByteString) => boolean): void
}

/** Times of files are as coarse as the kernel's ticks, of some file systems as seconds: what is younger may change unseen. */
const SETTLED_MS = 2000

const DIGEST_BYTES = 32
const HEAD_BYTES = 2 + 3 * 8

/** @param directory - absolute path of the context */
export function openFingerprints(database: Database, directory: string, nowMs: number = Date.now()): Fingerprints {
  const row = database.prepare('SELECT entries FROM build_files WHERE directory = ?').get(directory)
  const before = row === undefined ? new Map<ByteString, Known>() : decode(Buffer.from(row['entries'] as Uint8Array))
  const now = new Map<ByteString, Known>()
  let changed = false
  return {
    get: (file) => {
      const known = before.get(file.path)
      if (known === undefined || !isSame(known, stateOf(file))) return undefined
      now.set(file.path, known)
      return known.digest
    },
    set: (file, digest) => {
      const state = stateOf(file)
      if (Math.max(state.mtimeMs, state.ctimeMs) > nowMs - SETTLED_MS) return
      now.set(file.path, { ...state, digest })
      changed = true
    },
    save: (isPresent) => {
      if (!changed) return
      const kept = [...before, ...now].filter(([path]) => isPresent(path))
      database
        .prepare('INSERT OR REPLACE INTO build_files (directory, entries, used_at_ms) VALUES (?, ?, ?)')
        .run(directory, encode(new Map(kept)), nowMs)
      changed = false
    },
  }
}

interface State {
  readonly sizeBytes: number
  /** With fractions. */
  readonly mtimeMs: number
  readonly ctimeMs: number
}

interface Known extends State {
  readonly digest: string
}

function stateOf(file: TreeEntry): State {
  return {
    sizeBytes: file.sizeBytes,
    mtimeMs: file.mtimeSeconds * 1000 + file.mtimeNanoseconds / 1e6,
    ctimeMs: file.ctimeSeconds * 1000 + file.ctimeNanoseconds / 1e6,
  }
}

function isSame(one: State, other: State): boolean {
  return one.sizeBytes === other.sizeBytes && one.mtimeMs === other.mtimeMs && one.ctimeMs === other.ctimeMs
}

/** For each file: length of its path, size, two times, and a digest; then the path. */
function encode(files: ReadonlyMap<ByteString, Known>): Buffer {
  let size = 0
  for (const path of files.keys()) size += HEAD_BYTES + DIGEST_BYTES + path.length
  const bytes = Buffer.alloc(size)
  let at = 0
  for (const [path, { sizeBytes, mtimeMs, ctimeMs, digest }] of files) {
    bytes.writeUInt16LE(path.length, at)
    bytes.writeDoubleLE(sizeBytes, at + 2)
    bytes.writeDoubleLE(mtimeMs, at + 10)
    bytes.writeDoubleLE(ctimeMs, at + 18)
    bytes.write(digest, at + HEAD_BYTES, 'hex')
    bytes.write(path, at + HEAD_BYTES + DIGEST_BYTES, 'latin1')
    at += HEAD_BYTES + DIGEST_BYTES + path.length
  }
  return bytes
}

function decode(bytes: Buffer): Map<ByteString, Known> {
  const files = new Map<ByteString, Known>()
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16LE(at)
    const start = at + HEAD_BYTES + DIGEST_BYTES
    files.set(bytes.toString('latin1', start, start + length), {
      sizeBytes: bytes.readDoubleLE(at + 2),
      mtimeMs: bytes.readDoubleLE(at + 10),
      ctimeMs: bytes.readDoubleLE(at + 18),
      digest: bytes.toString('hex', at + HEAD_BYTES, start),
    })
    at = start + length
  }
  return files
}
