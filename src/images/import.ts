/** `import`: the tar of a root file system becomes an image of one layer. */
import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { ImageConfig } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { layerType, OCI_CONFIG } from '../oci/media-types.ts'
import { applyChanges } from './changes.ts'
import type { ImageContext } from './context.ts'
import { openLease } from './leases.ts'
import { newNames } from './new-names.ts'
import { hostPlatform, parsePlatform } from './platform.ts'
import { examineLayer, spool } from './spool.ts'
import { storeMade } from './store-made.ts'

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
    using lease = openLease(context.database)
    const made = { config: { mediaType: OCI_CONFIG, document }, layer, layerType: layerType(compression), names }
    return await storeMade(context, lease, made)
  } finally {
    await rm(layer.path, { force: true })
  }
}
