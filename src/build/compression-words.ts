/** How flags say what layers are compressed as: `compression=zstd,compression-level=9,force-compression=true`. */
import { type CompressionWish, checkedLevel } from '../images/compress-layer.ts'
import type { Compression } from '../oci/media-types.ts'
import { parseBool } from '../util/truth.ts'

/** The values of one flag by their keys. */
export interface Words {
  get(key: string): string | undefined
  /** @throws {InvalidArgument} always: the flag, and what is wrong with it */
  wrong(what: string, hint?: string): never
}

export const COMPRESSION_KEYS = ['compression', 'compression-level', 'force-compression'] as const

const COMPRESSIONS: ReadonlyMap<string, Compression> = new Map([
  ['uncompressed', 'none'],
  ['gzip', 'gzip'],
  ['zstd', 'zstd'],
])

/** @returns undefined: nothing is said @throws {InvalidArgument} */
export function compressionIn(words: Words): CompressionWish | undefined {
  const name = words.get('compression')
  const level = words.get('compression-level')
  const force = truthIn(words, 'force-compression', false)
  if (name === undefined && level === undefined && !force) return undefined
  const compression = COMPRESSIONS.get(name ?? 'gzip')
  if (compression === undefined)
    return words.wrong(`unknown compression ${JSON.stringify(name)}`, `known: ${[...COMPRESSIONS.keys()].join(', ')}`)
  if (level !== undefined && !/^\d{1,2}$/.test(level)) return words.wrong(`invalid compression level ${level}`)
  const wish = { compression, ...(level !== undefined && { level: Number(level) }), ...(force && { force }) }
  checkedLevel(wish)
  return wish
}

/** @param usual - where nothing is said @throws {InvalidArgument} neither true nor false */
export function truthIn(words: Words, key: string, usual: boolean): boolean {
  const text = words.get(key)
  if (text === undefined) return usual
  return parseBool(text) ?? words.wrong(`invalid value ${text} for ${key}`, 'true or false')
}
