/** One 512-byte header of a tar archive, of any dialect (V7, ustar, PAX, GNU). The `tar` package decodes it. */
import { Header } from 'tar/header'
import type { ByteString } from './entry.ts'
import { LayerInvalid } from './errors.ts'

export const BLOCK = 512

export interface RawHeader {
  /** The type flag, one character. */
  readonly key: string
  readonly path: ByteString
  readonly linkPath: ByteString
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeSeconds: number
  readonly major: number
  readonly minor: number
}

/** The `tar` package takes an entry for a directory when its name ends with a slash, be it a long name cut right there. */
const LONG_NAME = { path: 'x' }

/**
 * @param named - an extension has given the name already, and what stands here is only a part of it
 * @returns undefined for an empty block
 * @throws {LayerInvalid} the checksum is wrong, or a number too large
 */
export function readHeader(block: Buffer, at: number, named: boolean): RawHeader | undefined {
  const header = decode(block, at, named)
  if (header.nullBlock) return undefined
  if (!header.cksumValid) throw new LayerInvalid('a header has a wrong checksum')
  const magic = block.toString('latin1', at + 257, at + 263)
  const prefix = magic === 'ustar\0' ? readText(block, at + 345, 155) : ''
  const name = readText(block, at, 100)
  const seconds = (header.mtime?.getTime() ?? 0) / 1000
  // The package leaves device numbers of GNU archives out; without them a device would pass for a whiteout.
  const isDevice = magic.startsWith('ustar') && (block[at + 156] === 0x33 || block[at + 156] === 0x34)
  return {
    key: block.toString('latin1', at + 156, at + 157),
    path: prefix === '' ? name : `${prefix}/${name}`,
    linkPath: readText(block, at + 157, 100),
    // The package has no size where it is blank, which is fine, or negative, which is not.
    size: header.size ?? readNumber(block, at + 124, 12),
    mode: (header.mode ?? 0) & 0o7777,
    uid: header.uid ?? 0,
    gid: header.gid ?? 0,
    mtimeSeconds: Number.isFinite(seconds) ? Math.floor(seconds) : 0,
    major: isDevice ? readNumber(block, at + 329, 8) : 0,
    minor: isDevice ? readNumber(block, at + 337, 8) : 0,
  }
}

function decode(block: Buffer, at: number, named: boolean): Header {
  try {
    return named ? new Header(block, at, LONG_NAME) : new Header(block, at)
  } catch (error) {
    throw new LayerInvalid('a header holds a malformed number', { cause: error })
  }
}

/** Up to the first NUL. */
function readText(block: Buffer, at: number, length: number): ByteString {
  const text = block.toString('latin1', at, at + length)
  const end = text.indexOf('\0')
  return end === -1 ? text : text.slice(0, end)
}

/**
 * A number in octal digits, or in GNU's base 256 where the first bit is set. Blank is 0.
 *
 * @throws {LayerInvalid} negative, not a number, or beyond 2^53
 */
export function readNumber(block: Buffer, at: number, length: number): number {
  let value = 0
  if (block[at] === 0x80) {
    for (let index = at + 1; index < at + length; index++) value = value * 256 + (block[index] ?? 0)
  } else {
    const text = readText(block, at, length).trim()
    if (!/^[0-7]*$/.test(text)) throw new LayerInvalid('a header holds a malformed number')
    value = text === '' ? 0 : Number.parseInt(text, 8)
  }
  if (!Number.isSafeInteger(value)) throw new LayerInvalid('a header holds a number that is too large')
  return value
}
