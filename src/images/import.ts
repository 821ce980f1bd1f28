/** `import`: the tar of a root file system becomes an image of one layer. */
import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { ImageConfig } from '../oci/descriptor.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import { OCI_CONFIG } from '../oci/media-types.ts'
import { storeVerified } from './blobs.ts'
import { applyChanges } from './changes.ts'
import { commitImage } from './commit.ts'
import type { ImageContext } from './context.ts'
import { openLease } from './leases.ts'
import { LAYER_TYPES, makeManifest } from './load-docker.ts'
import { newNames } from './new-names.ts'
import { hostPlatform, parsePlatform } from './platform.ts'
import type { ImageName } from './records.ts'
import { examineLayer, type Spooled, spool } from './spool.ts'
import { storeLoaded } from './store-loaded.ts'

export interface ImportOptions {
  readonly reference?: string
  /** Dockerfile instructions, as in `--change 'CMD ["sh"]'`. */
  readonly changes?: readonly string[]
  readonly message?: string
  readonly platform?: string
}

/**
 * @returns the image's id
 * @throws {InvalidArgument} the name or a change is malformed; nothing has been read then
 * @throws {ArchiveInvalid} the input is no tar, or compressed with something else than gzip or zstd
 */
export async function importImage(
  context: ImageContext,
  input: NodeJS.ReadableStream,
  options: ImportOptions = {},
): Promise<Digest> {
  const names = newNames([options.reference])
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform)
  const config = applyChanges({}, options.changes ?? [])
  const layer = await spool(context.paths, 'import', input as Readable)
  try {
    const { compression, diffID } = await examineLayer(layer)
    const created = new Date().toISOString()
    const document: ImageConfig = {
      created,
      ...platform,
      config,
      rootfs: { type: 'layers', diff_ids: [diffID] },
      history: [{ created, comment: options.message ?? 'Imported from -' }],
    }
    return await store(context, { layer, mediaType: LAYER_TYPES[compression], document, names })
  } finally {
    await rm(layer.path, { force: true })
  }
}

interface Imported {
  readonly layer: Spooled
  readonly mediaType: string
  readonly document: ImageConfig
  readonly names: readonly ImageName[]
}

async function store(context: ImageContext, { layer, mediaType, document, names }: Imported): Promise<Digest> {
  using lease = openLease(context.database)
  const bytes = Buffer.from(JSON.stringify(document))
  const config = { mediaType: OCI_CONFIG, digest: digestOf(bytes), size: bytes.byteLength }
  lease.add('blob', [config.digest])
  await storeVerified(context.paths, config, bytes)
  const made = makeManifest(config, [{ mediaType, digest: layer.digest, size: layer.sizeBytes }])
  const find = (blob: { digest: Digest }) => (blob.digest === layer.digest ? layer : undefined)
  const commit = await storeLoaded(context, { lease, options: {} }, { ...made, find })
  commitImage(context, { ...commit, names })
  return commit.understood.id
}
