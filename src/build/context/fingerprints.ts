/**
 * Digests of a context's files, remembered by size and times: what has not been touched is not read again. They are kept in the
 * order of a walk and read beside one, so that a context of a million files takes no more memory than one of ten.
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { ByteString } from '../../linux/apply.ts'
import type { TreeEntry } from '../../linux/archive.ts'
import type { Paths } from '../../paths.ts'
import { randomHex } from '../../util/random.ts'

/** Files of one walk. */
export interface Fingerprints extends Disposable {
  /** What is known of the file as it looks now. Asked in the order of the walk. */
  get(file: TreeEntry): Known | undefined
  /** Said of every file, in the same order. @param known - as `get` has answered */
  note(file: TreeEntry, digest: string, known: Known | undefined): void
  /** Stores what was learned. The walk has come to its end. */
  save(): void
}

export interface Known {
  /** Hexadecimal. */
  readonly digest: string
  /** Where it stands in the file of records. */
  readonly begin: number
  readonly end: number
}

export const fingerprintDirectory = (paths: Paths): string => join(paths.root, 'build', 'files')

/** Walks that go on just now do not mind. The directory stays: one of them may be about to write there. */
export function forgetFingerprints(paths: Paths): void {
  const directory = fingerprintDirectory(paths)
  try {
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** Times of files are as coarse as the kernel's ticks, of some file systems as seconds: what is younger may change unseen. */
const SETTLED_MS = 2000

/**
 * @param directory - of `fingerprintDirectory`
 * @param place - absolute path of the directory that is walked
 */
export function openFingerprints(directory: string, place: string, nowMs: number = Date.now()): Fingerprints {
  const path = join(directory, createHash('sha256').update(place, 'latin1').digest('hex'))
  const reader = openRecords(path)
  let current = reader?.next()
  /** Up to here all is as it was. */
  let sameUntil = 0
  let writer: Writer | undefined
  const rewrite = () => {
    writer ??= openWriter(path, { reader, keptBytes: sameUntil })
    return writer
  }
  return {
    get: (file) => {
      while (current !== undefined && comparePaths(current.path, file.path) < 0) current = reader?.next()
      return current !== undefined && current.path === file.path && isSame(current, file) ? current : undefined
    },
    note: (file, digest, known) => {
      if (writer === undefined && known?.begin === sameUntil) {
        sameUntil = known.end
        return
      }
      if (known !== undefined || isSettled(file, nowMs)) rewrite().append(file, digest)
    },
    save: () => writer?.publish(),
    [Symbol.dispose]: () => {
      reader?.close()
      writer?.discard()
    },
  }
}

/** Whether it would be seen if it changed after `nowMs`. */
export function isSettled({ mtimeSeconds, ctimeSeconds }: TreeEntry, nowMs: number): boolean {
  return (Math.max(mtimeSeconds, ctimeSeconds) + 1) * 1000 < nowMs - SETTLED_MS
}

/** As a walk comes by: what is in a directory follows it, before any name that only begins like it. */
export function comparePaths(one: ByteString, other: ByteString): number {
  if (one === other) return 0
  const length = Math.min(one.length, other.length)
  for (let at = 0; at < length; at += 1) {
    const [left, right] = [one.charCodeAt(at), other.charCodeAt(at)]
    if (left !== right) return (left === SLASH ? 0 : left) - (right === SLASH ? 0 : right)
  }
  return one.length - other.length
}

const SLASH = 0x2f

interface Record extends Known {
  readonly path: ByteString
  readonly sizeBytes: number
  readonly mtimeSeconds: number
  readonly mtimeNanoseconds: number
  readonly ctimeSeconds: number
  readonly ctimeNanoseconds: number
}

function isSame(known: Record, file: TreeEntry): boolean {
  return (
    known.sizeBytes === file.sizeBytes &&
    known.mtimeSeconds === file.mtimeSeconds &&
    known.mtimeNanoseconds === file.mtimeNanoseconds &&
    known.ctimeSeconds === file.ctimeSeconds &&
    known.ctimeNanoseconds === file.ctimeNanoseconds
  )
}

/** Length of the path, size, two times of seconds and nanoseconds, and a digest; the path follows. */
const SIZE_AT = 2
const MTIME_AT = 10
const CTIME_AT = 22
const DIGEST_AT = 34
const HEAD_BYTES = DIGEST_AT + 32
const PIECE_BYTES = 256 * 1024

interface Reader {
  /** undefined: there are no more. */
  next(): Record | undefined
  /** These records, though others may have taken their place by now. */
  copyTo(path: string): void
  close(): void
}

function openRecords(path: string): Reader | undefined {
  const descriptor = openExisting(path)
  if (descriptor === undefined) return undefined
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
  let [at, end, offset] = [0, 0, 0]
  /** Whether there are so many bytes more. */
  const has = (size: number): boolean => {
    if (end - at >= size) return true
    piece.copyWithin(0, at, end)
    offset += at
    end -= at
    at = 0
    end += readSync(descriptor, piece, end, piece.length - end, offset + end)
    return end >= size
  }
  return {
    next: () => {
      if (!has(HEAD_BYTES) || !has(HEAD_BYTES + piece.readUInt16LE(at))) return undefined
      const begin = offset + at
      const record = decode(piece, at, begin)
      at += record.end - begin
      return record
    },
    copyTo: (copy) => copyFileSync(`/proc/self/fd/${descriptor}`, copy),
    close: () => closeSync(descriptor),
  }
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function decode(bytes: Buffer, at: number, begin: number): Record {
  const size = HEAD_BYTES + bytes.readUInt16LE(at)
  return {
    begin,
    end: begin + size,
    sizeBytes: bytes.readDoubleLE(at + SIZE_AT),
    mtimeSeconds: bytes.readDoubleLE(at + MTIME_AT),
    mtimeNanoseconds: bytes.readUInt32LE(at + MTIME_AT + 8),
    ctimeSeconds: bytes.readDoubleLE(at + CTIME_AT),
    ctimeNanoseconds: bytes.readUInt32LE(at + CTIME_AT + 8),
    digest: bytes.toString('hex', at + DIGEST_AT, at + HEAD_BYTES),
    path: bytes.toString('latin1', at + HEAD_BYTES, at + size),
  }
}

interface Writer {
  append(file: TreeEntry, digest: string): void
  publish(): void
  /** Nothing stays, unless it has been published. */
  discard(): void
}

interface Kept {
  readonly reader: Reader | undefined
  /** Of its records. */
  readonly keptBytes: number
}

/** Other walks of the place, in this process or another, may write at the same time: the last one counts. */
function openWriter(path: string, { reader, keptBytes }: Kept): Writer {
  const partial = `${path}.${randomHex(8)}`
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
  if (keptBytes > 0) {
    reader?.copyTo(partial)
    truncateSync(partial, keptBytes)
  }
  const descriptor = openSync(partial, keptBytes > 0 ? 'a' : 'w', 0o600)
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
  let used = 0
  const flush = () => {
    writeSync(descriptor, piece, 0, used)
    used = 0
  }
  return {
    append: (file, digest) => {
      if (piece.length - used < HEAD_BYTES + file.path.length) flush()
      used += encode(piece.subarray(used), file, digest)
    },
    publish: () => {
      flush()
      try {
        renameSync(partial, path)
      } catch (error) {
        // Somebody wants all of this forgotten.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    },
    discard: () => {
      closeSync(descriptor)
      rmSync(partial, { force: true })
    },
  }
}

function encode(bytes: Buffer, file: TreeEntry, digest: string): number {
  bytes.writeUInt16LE(file.path.length, 0)
  bytes.writeDoubleLE(file.sizeBytes, SIZE_AT)
  bytes.writeDoubleLE(file.mtimeSeconds, MTIME_AT)
  bytes.writeUInt32LE(file.mtimeNanoseconds, MTIME_AT + 8)
  bytes.writeDoubleLE(file.ctimeSeconds, CTIME_AT)
  bytes.writeUInt32LE(file.ctimeNanoseconds, CTIME_AT + 8)
  bytes.write(digest, DIGEST_AT, 'hex')
  bytes.write(file.path, HEAD_BYTES, 'latin1')
  return HEAD_BYTES + file.path.length
}
