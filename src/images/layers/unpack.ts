/** From a layer's compressed bytes to its files below one directory, in overlayfs's form of whiteouts. */
import { createHash } from 'node:crypto'
import { openApplier } from '../../linux/apply.ts'
import { ApplyFailed } from '../../linux/errors.ts'
import { digestAlgorithm } from '../../oci/digest.ts'
import { applyEntry, opaqueAttribute } from './apply-entry.ts'
import { DiffIDMismatch, LayerInvalid } from './errors.ts'
import { inflate } from './inflate.ts'
import { openTarReader } from './tar-reader.ts'
import { DEFAULT_LIMITS, type UnpackedLayer, type UnpackOptions } from './types.ts'

/**
 * Streams: memory does not grow with the layer. When it fails, nothing it started is at work any more, and what is in the
 * target directory is worthless.
 *
 * @throws {LayerInvalid} damaged, hostile, or too large when inflated
 * @throws {DiffIDMismatch} the inflated bytes are not what the image config promises
 * @throws {ApplyFailed} this host could not write the files
 */
export async function unpackLayer(options: UnpackOptions): Promise<UnpackedLayer> {
  const { blob, diffID, target, idMaps, native } = options
  const { maxEntries } = { ...DEFAULT_LIMITS, ...options.limits }
  await using applier = openApplier(target, { idMaps, native })
  const handler = applyEntry(applier, { opaque: opaqueAttribute(), maxEntries })
  const reader = openTarReader(handler)
  const algorithm = digestAlgorithm(diffID)
  const hash = createHash(algorithm)
  try {
    for await (const chunk of inflate(blob, options)) {
      hash.update(chunk)
      reader.write(chunk)
      await applier.flush()
    }
    reader.close()
    const found = `${algorithm}:${hash.digest('hex')}`
    if (found !== diffID) throw new DiffIDMismatch(diffID, found)
    await applier.finish()
  } catch (error) {
    throw error instanceof ApplyFailed ? blame(error) : error
  }
  return { ...handler.counts(), diffID }
}

/** What the kernel says when names of the layer contradict each other or lead nowhere (errno(3)). */
const LAYERS_FAULT: ReadonlySet<number> = new Set([
  2, // ENOENT: a hard link to a file that is not there
  7, // E2BIG: an extended attribute that is too large
  18, // EXDEV
  20, // ENOTDIR: an entry below a file
  21, // EISDIR: a hard link to a directory
  22, // EINVAL
  27, // EFBIG
  31, // EMLINK
  34, // ERANGE
  36, // ENAMETOOLONG
  40, // ELOOP
  90, // EMSGSIZE
])

function blame(error: ApplyFailed): Error {
  if (!LAYERS_FAULT.has(error.errno)) return error
  const what = `${error.doing} ${JSON.stringify(error.object)}`
  return new LayerInvalid(`${what}: ${error.reason}`, { cause: error })
}
