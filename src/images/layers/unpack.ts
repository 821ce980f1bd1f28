/** From a layer's compressed bytes to its files below one directory, in overlayfs's form of whiteouts. */
import type { UnpackedLayer, UnpackOptions } from './types.ts'
import { unpackHere } from './unpack-here.ts'

export type { UnpackedLayer, UnpackOptions } from './types.ts'

/**
 * Streams: memory does not grow with the layer. When it fails, nothing it started is at work any more, and what is in the
 * target directory is worthless.
 *
 * @throws {LayerInvalid} damaged, hostile, or too large when inflated
 * @throws {DiffIDMismatch} the inflated bytes are not what the image config promises
 * @throws {ApplyFailed} this host could not write the files
 */
export async function unpackLayer(options: UnpackOptions): Promise<UnpackedLayer> {
  return unpackHere(options)
}
