/** `wasm pack`: one WebAssembly program becomes an image for `wasi/wasm`, or an artifact (CNCF layout, version 0). */
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { ImageConfig, ImageProcessConfig } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { OCI_CONFIG, OCI_LAYER_GZIP, WASM_CONFIG, WASM_LAYER } from '../oci/media-types.ts'
import type { ImageContext } from './context.ts'
import { openLease } from './leases.ts'
import { newNames } from './new-names.ts'
import { examineLayer, type Spooled, spool } from './spool.ts'
import { storeMade } from './store-made.ts'
import type { ArchiveFile } from './write-tar.ts'

export interface PackOptions {
  readonly references: readonly string[]
  /** RFC 3339 */
  readonly created: string
  readonly annotations: Readonly<Record<string, string>>
  readonly content: PackedImage | PackedArtifact
}

/** Its files; the layer holds them sorted by path. */
export interface PackedImage {
  readonly kind: 'image'
  readonly files: readonly ArchiveFile[]
  readonly config: ImageProcessConfig
}

export interface PackedArtifact {
  readonly kind: 'artifact'
  readonly bytes: Uint8Array
  /** Of a component: what it asks for and offers. */
  readonly component?: { readonly imports: readonly string[]; readonly exports: readonly string[] }
}

/**
 * The same content, time and options give the same image. Atomic: the image is there with its names, or nothing is.
 *
 * @returns its id
 * @throws {InvalidArgument} a name is malformed; nothing has been written then
 */
export async function packImage(context: ImageContext, options: PackOptions): Promise<Digest> {
  const names = newNames(options.references)
  const { content } = options
  const layer = await spool(context.paths, 'pack', await layerBytes(content))
  try {
    using lease = openLease(context.database)
    const config = await describe(layer, options)
    const layerType = content.kind === 'image' ? OCI_LAYER_GZIP : WASM_LAYER
    return await storeMade(context, lease, { config, layer, layerType, annotations: options.annotations, names })
  } finally {
    await rm(layer.path, { force: true })
  }
}

async function layerBytes(content: PackOptions['content']): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>> {
  if (content.kind === 'artifact') return [content.bytes]
  const { writeTar } = await import('./write-tar.ts')
  const files = content.files.toSorted((left, right) => (left.path < right.path ? -1 : 1))
  return Readable.from(writeTar(files), { objectMode: false }).compose(createGzip())
}

async function describe(
  layer: Spooled,
  { created, content }: PackOptions,
): Promise<{ readonly mediaType: string; readonly document: object }> {
  if (content.kind === 'artifact') {
    const os = content.component === undefined ? 'wasip1' : 'wasip2'
    const component = content.component !== undefined && { component: content.component }
    return {
      mediaType: WASM_CONFIG,
      document: { created, architecture: 'wasm', os, layerDigests: [layer.digest], ...component },
    }
  }
  const { diffID } = await examineLayer(layer)
  const document: ImageConfig = {
    created,
    architecture: 'wasm',
    os: 'wasi',
    config: content.config,
    rootfs: { type: 'layers', diff_ids: [diffID] },
    history: [{ created, created_by: 'wasm pack' }],
  }
  return { mediaType: OCI_CONFIG, document }
}
