/** Tar archives made entry by entry, hostile ones too: nothing here checks what it writes. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type Digest, parseDigest } from '../../src/oci/digest.ts'

export interface TarEntry {
  readonly name: string
  readonly type: string
  readonly content?: Buffer
  readonly linkName?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtimeS?: number
  readonly major?: number
  readonly minor?: number
  /** PAX records that come before the entry. */
  readonly pax?: Readonly<Record<string, string | Buffer>>
  /** What the header says, when it lies. */
  readonly claimedSize?: number
  /** Bytes that are written over the header: where, and what. */
  readonly raw?: readonly (readonly [number, string | Buffer])[]
}

type Extra = Partial<Omit<TarEntry, 'name' | 'type'>>

export const directory = (name: string, extra: Extra = {}): TarEntry => ({
  name: `${name}/`,
  type: '5',
  mode: 0o755,
  ...extra,
})
export const file = (name: string, content: string | Buffer = '', extra: Extra = {}): TarEntry => ({
  name,
  type: '0',
  content: Buffer.from(content),
  ...extra,
})
export const symlink = (name: string, linkName: string, extra: Extra = {}): TarEntry => ({
  name,
  type: '2',
  linkName,
  ...extra,
})
export const hardLink = (name: string, linkName: string, extra: Extra = {}): TarEntry => ({
  name,
  type: '1',
  linkName,
  ...extra,
})
export const device = (
  name: string,
  type: 'c' | 'b',
  [major, minor, extra]: readonly [number, number, Extra?],
): TarEntry => ({
  ...extra,
  name,
  type: type === 'c' ? '3' : '4',
  major,
  minor,
})
export const fifo = (name: string): TarEntry => ({ name, type: '6' })

/** An archive with its end of two empty blocks. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(entryBlocks), Buffer.alloc(1024)])
}

/** A gzip layer and what an image config says of it. */
export function layerOf(entries: readonly TarEntry[]): { readonly blob: Buffer; readonly diffID: Digest } {
  const tar = tarOf(entries)
  return { blob: gzipSync(tar), diffID: sha256(tar) }
}

export function sha256(bytes: Buffer): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
}

function entryBlocks(entry: TarEntry): Buffer[] {
  const pax = Object.entries(entry.pax ?? {}).map(([key, value]) => paxRecord(key, value))
  const extended = pax.length === 0 ? [] : blocksOf({ name: 'PaxHeader', type: 'x', content: Buffer.concat(pax) })
  const long =
    Buffer.byteLength(entry.name) > 100
      ? blocksOf({ name: '././@LongLink', type: 'L', content: Buffer.from(`${entry.name}\0`) })
      : []
  return [...long, ...extended, ...blocksOf(entry)]
}

function blocksOf(entry: TarEntry): Buffer[] {
  const content = entry.content ?? Buffer.alloc(0)
  return [
    header(entry, entry.claimedSize ?? content.length),
    content,
    Buffer.alloc((512 - (content.length % 512)) % 512),
  ]
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(512)
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
  block.write(entry.name.slice(0, 100), 0, 'utf8')
  octal(entry.mode ?? 0o644, 100, 8)
  octal(entry.uid ?? 0, 108, 8)
  octal(entry.gid ?? 0, 116, 8)
  octal(size, 124, 12)
  octal(entry.mtimeS ?? 1_600_000_000, 136, 12)
  block.write(entry.type, 156, 'latin1')
  block.write((entry.linkName ?? '').slice(0, 100), 157, 'utf8')
  block.write('ustar\x0000', 257, 'latin1')
  octal(entry.major ?? 0, 329, 8)
  octal(entry.minor ?? 0, 337, 8)
  for (const [at, bytes] of entry.raw ?? []) Buffer.from(bytes).copy(block, at)
  block.write('        ', 148, 'latin1')
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  return block
}

/** Its own length counts itself. */
export function paxRecord(key: string, value: string | Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')])
  let length = body.length + 1
  while (String(length).length + body.length !== length) length++
  return Buffer.concat([Buffer.from(String(length)), body])
}
