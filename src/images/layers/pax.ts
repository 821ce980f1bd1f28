/** PAX extended headers: `LENGTH KEY=VALUE\n` records. Values are bytes: those of extended attributes are any bytes. */
import type { ByteString } from './entry.ts'
import { LayerInvalid } from './errors.ts'

export type PaxRecords = ReadonlyMap<string, Buffer>

export const NO_RECORDS: PaxRecords = new Map()

/**
 * @param inherited - of the global headers before; a record without a value takes one of them back (POSIX.1-2001)
 * @throws {LayerInvalid} a record's length lies
 */
export function parsePax(data: Buffer, inherited: PaxRecords = NO_RECORDS): PaxRecords {
  const records = new Map(inherited)
  const sparse: string[] = []
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at)
    const digits = data.toString('latin1', at, Math.min(space, at + 11))
    const end = at + Number(digits)
    if (space === -1 || !/^[1-9][0-9]{0,9}$/.test(digits) || end > data.length || end <= space + 1)
      throw new LayerInvalid('a PAX header has a record of a wrong length')
    const equals = data.indexOf(0x3d, space)
    if (equals === -1 || equals >= end || data[end - 1] !== 0x0a)
      throw new LayerInvalid('a PAX header has a malformed record')
    const key = data.toString('latin1', space + 1, equals)
    const value = data.subarray(equals + 1, end - 1)
    // Sparse form 0.0 repeats these two for each piece: joined they are form 0.1.
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') sparse.push(value.toString('latin1'))
    else if (value.length === 0) records.delete(key)
    else records.set(key, value)
    at = end
  }
  if (sparse.length > 0) records.set('GNU.sparse.map', Buffer.from(sparse.join(',')))
  return records
}

/** What a global header may say of all that follow. A name, size or attribute for all of them would be madness. */
export function parseGlobalPax(data: Buffer, before: PaxRecords): PaxRecords {
  const records = parsePax(data, before)
  return new Map([...records].filter(([key]) => GLOBAL_KEYS.has(key)))
}

const GLOBAL_KEYS = new Set(['mtime', 'uid', 'gid'])

export function paxText(records: PaxRecords, key: string): ByteString | undefined {
  const value = records.get(key)
  if (value?.includes(0)) throw new LayerInvalid('a name holds a NUL')
  return value?.toString('latin1')
}

const XATTR_PREFIX = 'SCHILY.xattr.'
/** The kernel's own bounds (xattr(7)). */
const MAX_XATTR_NAME_BYTES = 255
const MAX_XATTR_BYTES = 64 * 1024
const NO_XATTRS: ReadonlyMap<ByteString, Buffer> = new Map()

export function paxXattrs(records: PaxRecords): ReadonlyMap<ByteString, Buffer> {
  let xattrs: Map<ByteString, Buffer> | undefined
  for (const [key, value] of records) {
    if (!key.startsWith(XATTR_PREFIX)) continue
    const name = key.slice(XATTR_PREFIX.length)
    if (name === '' || name.includes('\0') || name.length > MAX_XATTR_NAME_BYTES || value.length > MAX_XATTR_BYTES)
      throw new LayerInvalid('a file has an impossible extended attribute')
    xattrs ??= new Map()
    xattrs.set(name, value)
  }
  return xattrs ?? NO_XATTRS
}

export interface PaxTime {
  readonly seconds: number
  readonly nanoseconds: number
}

/** A decimal time in seconds with any number of digits of a fraction; before 1970 the fraction still counts upwards. */
export function parsePaxTime(value: Buffer): PaxTime {
  const match = /^(-?)([0-9]{1,12})(?:\.([0-9]*))?$/.exec(value.toString('latin1', 0, 64))
  if (match === null) throw new LayerInvalid('a PAX header has a malformed time')
  const [, sign, whole, fraction = ''] = match
  const seconds = Number(whole)
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'))
  if (sign !== '-') return { seconds, nanoseconds }
  return nanoseconds === 0
    ? { seconds: -seconds, nanoseconds }
    : { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds }
}

export function paxNumber(value: Buffer | undefined): number | undefined {
  if (value === undefined) return undefined
  const text = value.toString('latin1', 0, 32)
  const number = Number(text)
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(number))
    throw new LayerInvalid('a PAX header has a malformed number')
  return number
}
