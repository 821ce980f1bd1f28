/** A layer in another compression: made once, remembered, the same bytes each time. */
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { constants, createZstdCompress } from 'node:zlib'
import { InvalidArgument } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'
import { type Compression, layerCompression, layerType, OCI_LAYER } from '../oci/media-types.ts'
import { transaction } from '../state/database.ts'
import { acquireLock } from '../state/lock.ts'
import { blobPath, hasBlob } from './blobs.ts'
import type { ImageContext } from './context.ts'
import { gzip } from './gzip.ts'
import type { Lease } from './leases.ts'
import { adopt, type Spooled, spool } from './spool.ts'
import { openTar, verified } from './verify-layer.ts'

export interface CompressionWish {
  readonly compression: Compression
  /** 0 to 9 for gzip, 1 to 22 for zstd; undefined: what is usual */
  readonly level?: number | undefined
  /** Also layers that are compressed already, in another way. */
  readonly force?: boolean
}

/** What registries and other tools have always taken. */
export const USUAL: CompressionWish = { compression: 'gzip' }

const LEVELS = { none: [0, 0, 0], gzip: [0, 6, 9], zstd: [1, 3, 22] } as const

/** @throws {InvalidArgument} the compression has no such level */
export function checkedLevel({ compression, level }: CompressionWish): number {
  const [least, usual, most] = LEVELS[compression]
  if (level === undefined || compression === 'none') return usual
  if (Number.isInteger(level) && level >= least && level <= most) return level
  throw new InvalidArgument(`invalid compression level ${level}: ${compression} has ${least} to ${most}`)
}

interface Layer {
  readonly blob: Descriptor
  readonly diffID: Digest
}

interface Compressing extends CompressionWish {
  /** Keeps the result from collection. */
  readonly lease: Lease
  readonly signal?: AbortSignal | undefined
}

/**
 * Several callers, in any process, compress it once.
 *
 * @returns the descriptor of the blob, with OCI's media type; the layer's own where it is as wished already
 * @throws {BlobMismatch} the layer has been damaged
 * @throws {DiskFull}
 */
export async function compressLayer(context: ImageContext, layer: Layer, wish: Compressing): Promise<Descriptor> {
  const { compression, lease, signal } = wish
  const present = layerCompression(layer.blob.mediaType)
  const isRight = present === compression && (wish.force !== true || wish.level === undefined)
  if (present === undefined || isRight || (present !== 'none' && wish.force !== true)) return layer.blob
  const level = checkedLevel(wish)
  const known = await lookUp(context, layer, { compression, level, lease })
  if (known !== undefined) return known
  using _ = await acquireLock(context.database, `compress:${compression}:${layer.diffID}`, { signal })
  return (
    (await lookUp(context, layer, { compression, level, lease })) ??
    (await carryOut(context, layer, { compression, level, lease, signal, present }))
  )
}

interface Exact {
  readonly compression: Compression
  readonly level: number
  readonly lease: Lease
}

async function lookUp(
  { database, paths }: ImageContext,
  { diffID }: Layer,
  { compression, level, lease }: Exact,
): Promise<Descriptor | undefined> {
  const row = database
    .prepare('SELECT blob, blob_bytes FROM compressed_layers WHERE diff_id = ? AND compression = ? AND level = ?')
    .get(diffID, compression, level)
  if (row === undefined) return undefined
  const digest = parseDigest(String(row['blob']))
  const blob = { mediaType: layerType(compression), digest, size: Number(row['blob_bytes']) }
  lease.add('blob', [digest])
  return (await hasBlob(paths, blob)) ? blob : undefined
}

async function carryOut(
  context: ImageContext,
  { blob, diffID }: Layer,
  { compression, level, lease, signal, present }: Exact & { present: Compression; signal: AbortSignal | undefined },
): Promise<Descriptor> {
  const tar = openTar(blobPath(context.paths, blob.digest), present, signal)
  let spooled: Spooled
  try {
    // Whoever gets the compressed layer has no other way to see that the plain one was damaged here.
    spooled = await spool(context.paths, 'layer', compressed(verified(tar, { blob, diffID }), compression, level))
  } finally {
    tar.destroy()
  }
  const made = { mediaType: layerType(compression), digest: spooled.digest, size: spooled.sizeBytes }
  try {
    lease.add('blob', [made.digest])
    await adopt(context.paths, spooled, made)
  } finally {
    await rm(spooled.path, { force: true })
  }
  remember(context, { made, diffID, compression, level, replaces: blob })
  return made
}

function compressed(tar: AsyncIterable<Buffer>, compression: Compression, level: number): AsyncIterable<Uint8Array> {
  if (compression === 'none') return tar
  if (compression === 'gzip') return gzip(tar, level)
  return Readable.from(tar).compose(createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } }))
}

interface Remembering {
  readonly made: Descriptor
  readonly diffID: Digest
  readonly compression: Compression
  readonly level: number
  readonly replaces: Descriptor
}

/** Builds take the usual form from now on in place of the plain tar, which is then needed no more. */
function remember({ database }: ImageContext, { made, diffID, compression, level, replaces }: Remembering): void {
  transaction(database, () => {
    database
      .prepare('INSERT OR REPLACE INTO compressed_layers VALUES (?, ?, ?, ?, ?)')
      .run(diffID, compression, level, made.digest, made.size)
    if (replaces.mediaType !== OCI_LAYER || compression !== 'gzip' || level !== LEVELS.gzip[1]) return
    database
      .prepare('UPDATE build_layers SET blob = ?, media_type = ?, blob_bytes = ? WHERE diff_id = ? AND blob = ?')
      .run(made.digest, made.mediaType, made.size, diffID, replaces.digest)
  })
}
