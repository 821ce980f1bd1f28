/** PAX extended headers: `LENGTH KEY=VALUE\n` records. Values are bytes: those of extended attributes are any bytes. */
import { LayerInvalid } from './errors.ts'

export type PaxRecords = Map<string, Buffer>

/** @throws {LayerInvalid} a record's length lies */
export function parsePax(data: Buffer, into: PaxRecords = new Map()): PaxRecords {
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at)
    const digits = data.toString('latin1', at, space)
    const end = at + Number(digits)
    if (space === -1 || !/^[1-9][0-9]{0,9}$/.test(digits) || end > data.length || end <= space + 1)
      throw new LayerInvalid('a PAX header has a record of a wrong length')
    const equals = data.indexOf(0x3d, space)
    if (equals === -1 || equals >= end || data[end - 1] !== 0x0a)
      throw new LayerInvalid('a PAX header has a malformed record')
    const key = data.toString('utf8', space + 1, equals)
    // An empty value takes an earlier one back (POSIX.1-2001).
    if (equals + 1 === end - 1) into.delete(key)
    else into.set(key, Buffer.from(data.subarray(equals + 1, end - 1)))
    at = end
  }
  return into
}

const XATTR_PREFIX = 'SCHILY.xattr.'

export function paxXattrs(records: PaxRecords): Map<string, Buffer> {
  const xattrs = new Map<string, Buffer>()
  for (const [key, value] of records)
    if (key.startsWith(XATTR_PREFIX)) xattrs.set(key.slice(XATTR_PREFIX.length), value)
  return xattrs
}

/** A decimal time in seconds, with up to nine digits of a fraction, in nanoseconds. */
export function paxTimeNs(text: string): bigint {
  const match = /^(-?)([0-9]{1,12})(?:\.([0-9]*))?$/.exec(text)
  if (match === null) throw new LayerInvalid('a PAX header has a malformed time')
  const [, sign, seconds = '0', fraction = ''] = match
  const magnitude = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
  return sign === '-' ? -magnitude : magnitude
}

export function paxNumber(value: Buffer | undefined): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value.toString('latin1'))
  if (!Number.isSafeInteger(number) || number < 0) throw new LayerInvalid('a PAX header has a malformed number')
  return number
}
