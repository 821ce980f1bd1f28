/** Decodes what the archive job answers (native/emit.c): records of a code, a length and a payload, all little-endian. */
import type { ByteString } from './apply.ts'
import type { Change, InsideStat, TreeEntry, TreeSink } from './archive.ts'
import { ApplyFailed } from './errors.ts'

const STAT = 1
const ENTRY = 2
const DATA = 3
const END = 4
const DIGEST = 5
/** `FAIL`, where a code would stand: a line of text follows. */
const FAILED = 0x4c494146
const HEAD_BYTES = 8
const NOT_SPARSE = 0xffff_ffff
const CHANGES: readonly Change[] = ['same', 'added', 'changed', 'deleted', 'unreadable']
const TYPE = 0o170000
const FILE = 0o100000
const ENOENT = 2

export interface AnswerOptions {
  readonly sink?: TreeSink | undefined
  readonly onStat?: ((stat: InsideStat | undefined) => void) | undefined
  readonly onDigest?: ((digest: string | undefined) => void) | undefined
}

export class AnswerReader {
  readonly #options: AnswerOptions
  #rest: Buffer = Buffer.alloc(0)
  #dataLeft = 0
  /** Of the file whose content is coming; -1: none. */
  #fileLeft = -1
  #ended = false

  constructor(options: AnswerOptions) {
    this.#options = options
  }

  /** To a single request. */
  get isWhole(): boolean {
    return this.#ended && this.#rest.length === 0
  }

  /** @throws {ApplyFailed} the other side says that it has failed */
  write(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (let used = -1; used !== 0; at += used) used = this.#take(bytes, at)
    this.#rest = bytes.subarray(at)
  }

  /** @throws {Error} the answers break off: the other side was killed */
  close(): void {
    if (this.#rest.length >= 4 && this.#rest.readUInt32LE(0) === FAILED) throw failure(this.#rest.toString())
    if (!this.#ended || this.#rest.length > 0) throw new Error('the native program ended early')
  }

  /** @returns how many bytes from `at` on have been used; 0: more have to come */
  #take(bytes: Buffer, at: number): number {
    if (this.#dataLeft > 0) return this.#takeData(bytes, at)
    const left = bytes.length - at
    if (left < HEAD_BYTES) return 0
    const code = bytes.readUInt32LE(at)
    if (code === FAILED) return 0 // the line is complete at the end
    const size = bytes.readUInt32LE(at + 4)
    if (code === DATA) {
      this.#dataLeft = size
      return HEAD_BYTES
    }
    if (left < HEAD_BYTES + size) return 0
    const payload = new Payload(bytes, at + HEAD_BYTES, size)
    if (code === ENTRY) this.#entry(readEntry(payload))
    else if (code === STAT) this.#options.onStat?.(readStat(payload))
    else if (code === DIGEST) this.#options.onDigest?.(payload.bytes().toString('hex') || undefined)
    else if (code === END) this.#ended = true
    else throw new Error(`the native program answered with code ${code}`)
    return HEAD_BYTES + size
  }

  #entry(entry: TreeEntry): void {
    this.#options.sink?.entry(entry)
    if ((entry.mode & TYPE) !== FILE || entry.hardLink !== '') return
    this.#fileLeft = entry.extents?.reduce((sum, { size }) => sum + size, 0) ?? entry.sizeBytes
    this.#finishFile()
  }

  #takeData(bytes: Buffer, at: number): number {
    const size = Math.min(this.#dataLeft, bytes.length - at)
    if (size === 0) return 0
    if (size > this.#fileLeft) throw new Error('the native program told more of a file than there is')
    this.#options.sink?.data(bytes.subarray(at, at + size))
    this.#dataLeft -= size
    this.#fileLeft -= size
    this.#finishFile()
    return size
  }

  #finishFile(): void {
    if (this.#fileLeft !== 0) return
    this.#fileLeft = -1
    this.#options.sink?.end()
  }
}

function failure(line: string): ApplyFailed {
  return new ApplyFailed(line.trimEnd().split('\t').slice(1), 'read')
}

function readEntry(payload: Payload): TreeEntry {
  const entry = {
    path: payload.string(),
    change: CHANGES[payload.u32()] ?? 'same',
    mode: payload.u32(),
    uid: payload.u32(),
    gid: payload.u32(),
    mtimeSeconds: payload.i64(),
    mtimeNanoseconds: payload.u32(),
    sizeBytes: payload.i64(),
    major: payload.u32(),
    minor: payload.u32(),
    ctimeSeconds: payload.i64(),
    ctimeNanoseconds: payload.u32(),
    target: payload.string(),
    hardLink: payload.string(),
  }
  const xattrs = readXattrs(payload)
  const count = payload.u32()
  if (count === NOT_SPARSE) return { ...entry, xattrs, extents: undefined }
  const extents = Array.from({ length: count }, () => ({ offset: payload.i64(), size: payload.i64() }))
  return { ...entry, xattrs, extents }
}

const NO_XATTRS: ReadonlyMap<ByteString, Buffer> = new Map()

function readXattrs(payload: Payload): ReadonlyMap<ByteString, Buffer> {
  let count = payload.u32()
  if (count === 0) return NO_XATTRS
  const xattrs = new Map<ByteString, Buffer>()
  for (; count > 0; count -= 1) xattrs.set(payload.string(), payload.bytes())
  return xattrs
}

/** @throws {ApplyFailed} */
function readStat(payload: Payload): InsideStat | undefined {
  const errno = payload.u32()
  const found = {
    mode: payload.u32(),
    sizeBytes: payload.i64(),
    pseudo: payload.u32() !== 0,
    readOnly: payload.u32() !== 0,
    target: payload.string(),
    resolved: payload.string(),
  }
  if (errno === ENOENT) return undefined
  if (errno !== 0) throw new ApplyFailed(['launch', '0', 'lstat', '', String(errno), ERRNO[errno] ?? `error ${errno}`])
  return found
}

const ERRNO: Readonly<Record<number, string>> = {
  13: 'permission denied',
  20: 'not a directory',
  36: 'file name too long',
  40: 'too many levels of symbolic links',
}

class Payload {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Buffer, at: number, size: number) {
    this.#bytes = bytes
    this.#at = at
    this.#end = at + size
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4))
  }

  /** @throws {ApplyFailed} a sparse file may say that it has 2^63 bytes */
  i64(): number {
    const at = this.#take(8)
    const value = this.#bytes.readInt32LE(at + 4) * 2 ** 32 + this.#bytes.readUInt32LE(at)
    if (!Number.isSafeInteger(value)) throw new ApplyFailed(['launch', '0', 'open', '', '27', 'File too large'], 'read')
    return value
  }

  string(): ByteString {
    const size = this.u32()
    const at = this.#take(size)
    return size === 0 ? '' : this.#bytes.toString('latin1', at, at + size)
  }

  /** A copy: what is kept must not keep all the rest. */
  bytes(): Buffer {
    const size = this.u32()
    const at = this.#take(size)
    return Buffer.from(this.#bytes.subarray(at, at + size))
  }

  /** @returns where the next `size` bytes begin */
  #take(size: number): number {
    const at = this.#at
    this.#at += size
    if (this.#at > this.#end) throw new Error('the native program answered with less than it says')
    return at
  }
}
