/** One entry of a tar archive: a ustar header, PAX records where that does not suffice, sparse files in GNU's form 1.0. */
import { basename, dirname } from 'node:path/posix'
import type { ByteString } from '../linux/apply.ts'
import type { TreeEntry } from '../linux/archive.ts'
import { TYPE } from './tree-sinks.ts'

export const BLOCK = 512
/** The largest number that eleven octal digits hold. */
const MAX_OCTAL = 0o77777777777
const MAX_ID = 0o7777777

/** A file of no bytes: a whiteout, which hides what lower layers have. */
export function whiteoutHeader(name: ByteString): Buffer {
  return headerBlock({ name, typeFlag: '0', mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, size: 0 })
}

/** Headers, and the map of a sparse file; `storedBytes` follow, padded to blocks. */
export function tarHeader(
  entry: TreeEntry,
  name: ByteString,
  hardLink: ByteString | undefined,
): { readonly blocks: Buffer; readonly storedBytes: number } {
  const kind = entry.mode & TYPE.mask
  const typeFlag = hardLink === undefined ? (TYPE_FLAGS[kind] ?? FIFO) : '1'
  const isFile = typeFlag === '0'
  const map = isFile && entry.extents !== undefined ? sparseMap(entry) : undefined
  const storedBytes = isFile ? dataSize(entry) : 0
  const size = storedBytes + (map?.length ?? 0)
  const fullName = kind === TYPE.directory ? `${name}/` : name
  const linkName = hardLink ?? (kind === TYPE.symlink ? entry.target : '')
  const stored = map === undefined ? fullName : sparseName(name)
  const pax = paxRecords(entry, { name: fullName, stored, linkName, size, sparse: map !== undefined })
  const header = headerBlock({
    name: stored,
    linkName,
    typeFlag,
    mode: entry.mode & 0o7777,
    uid: entry.uid,
    gid: entry.gid,
    mtimeSeconds: entry.mtimeSeconds,
    size,
    device: typeFlag === '3' || typeFlag === '4' ? entry : undefined,
  })
  return {
    blocks: Buffer.concat([...(pax.length === 0 ? [] : [paxBlocks(pax)]), header, ...(map === undefined ? [] : [map])]),
    storedBytes,
  }
}

const FIFO = '6'
const TYPE_FLAGS: Readonly<Record<number, string>> = {
  [TYPE.file]: '0',
  [TYPE.symlink]: '2',
  [TYPE.character]: '3',
  [TYPE.block]: '4',
  [TYPE.directory]: '5',
}

function dataSize({ extents, sizeBytes }: TreeEntry): number {
  return extents?.reduce((sum, { size }) => sum + size, 0) ?? sizeBytes
}

/** Counts and numbers, a line each (gnu.org/software/tar, Sparse Formats, PAX 1.0). */
function sparseMap({ extents = [], sizeBytes }: TreeEntry): Buffer {
  const pieces = [...extents, { offset: sizeBytes, size: 0 }] // its end, be it in a hole
  const text = [pieces.length, ...pieces.flatMap(({ offset, size }) => [offset, size])].join('\n')
  const bytes = Buffer.from(`${text}\n`)
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & (BLOCK - 1))])
}

function sparseName(name: ByteString): ByteString {
  const directory = dirname(name)
  return `${directory === '.' ? '' : `${directory}/`}GNUSparseFile.0/${basename(name)}`
}

interface Stored {
  readonly name: ByteString
  readonly stored: ByteString
  readonly linkName: ByteString
  readonly size: number
  readonly sparse: boolean
}

/** Only what a plain header cannot say. */
function paxRecords(entry: TreeEntry, { name, stored, linkName, size, sparse }: Stored): Buffer[] {
  const records: Buffer[] = []
  const add = (key: string, value: string | Buffer) => records.push(paxRecord(key, value))
  if (sparse) {
    add('GNU.sparse.major', '1')
    add('GNU.sparse.minor', '0')
    add('GNU.sparse.name', name)
    add('GNU.sparse.realsize', String(entry.sizeBytes))
  }
  if (!isPlain(stored)) add('path', stored)
  if (!isPlain(linkName)) add('linkpath', linkName)
  if (size > MAX_OCTAL) add('size', String(size))
  if (entry.uid > MAX_ID) add('uid', String(entry.uid))
  if (entry.gid > MAX_ID) add('gid', String(entry.gid))
  if (entry.mtimeNanoseconds > 0 || entry.mtimeSeconds < 0 || entry.mtimeSeconds > MAX_OCTAL) add('mtime', time(entry))
  for (const [key, value] of entry.xattrs) add(`SCHILY.xattr.${key}`, value)
  return records
}

/** Fits a header, and every reader takes its bytes for the same. */
function isPlain(text: ByteString): boolean {
  return text.length <= 100 && !/[^ -~]/.test(text)
}

function time({ mtimeSeconds, mtimeNanoseconds }: TreeEntry): string {
  if (mtimeSeconds >= 0) return fraction(String(mtimeSeconds), mtimeNanoseconds)
  // The fraction counts upwards, the text downwards.
  return mtimeNanoseconds === 0
    ? String(mtimeSeconds)
    : fraction(`-${-mtimeSeconds - 1}`, 1_000_000_000 - mtimeNanoseconds)
}

function fraction(whole: string, nanoseconds: number): string {
  return nanoseconds === 0 ? whole : `${whole}.${String(nanoseconds).padStart(9, '0').replace(/0+$/, '')}`
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([
    Buffer.from(` ${key}=`, 'latin1'),
    typeof value === 'string' ? Buffer.from(value, 'latin1') : value,
    Buffer.from('\n'),
  ])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function paxBlocks(records: readonly Buffer[]): Buffer {
  const body = Buffer.concat(records)
  const name = 'PaxHeaders.0/entry'
  const header = headerBlock({ name, typeFlag: 'x', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, size: body.length })
  return Buffer.concat([header, body, Buffer.alloc(-body.length & (BLOCK - 1))])
}

interface Fields {
  readonly name: ByteString
  readonly linkName?: ByteString
  readonly typeFlag: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeSeconds: number
  readonly size: number
  readonly device?: { readonly major: number; readonly minor: number } | undefined
}

/** POSIX.1-1988 `ustar`; what does not fit is cut, and said whole by PAX records before it. */
function headerBlock(fields: Fields): Buffer {
  const block = Buffer.allocUnsafe(BLOCK).fill(0) // of the pool: one for each file is dear
  const octal = (value: number, at: number, length: number) => {
    const limit = 8 ** (length - 1) - 1
    const kept = value < 0 || value > limit ? 0 : value
    block.write(kept.toString(8).padStart(length - 1, '0'), at, 'latin1')
  }
  block.write(fields.name.slice(0, 100), 0, 'latin1')
  octal(fields.mode, 100, 8)
  octal(fields.uid, 108, 8)
  octal(fields.gid, 116, 8)
  octal(fields.size, 124, 12)
  octal(fields.mtimeSeconds, 136, 12)
  block.write('        ', 148, 'latin1')
  block.write(fields.typeFlag, 156, 'latin1')
  block.write((fields.linkName ?? '').slice(0, 100), 157, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  octal(fields.device?.major ?? 0, 329, 8)
  octal(fields.device?.minor ?? 0, 337, 8)
  let sum = 0
  for (let at = 0; at < BLOCK; at += 1) sum += block[at] ?? 0
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
