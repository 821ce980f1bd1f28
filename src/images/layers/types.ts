/** What the layers' room takes and gives. */
import type { Readable } from 'node:stream'
import type { ApplyOptions } from '../../linux/apply.ts'
import type { Digest } from '../../oci/digest.ts'

export interface UnpackOptions {
  /** The compressed bytes. Read to the end, or destroyed by the caller after a failure. */
  readonly blob: Readable
  readonly mediaType: string
  /** What the inflated bytes must hash to. */
  readonly diffID: Digest
  /** An empty directory; after a failure whatever is in it is worthless. */
  readonly target: string
  readonly onProgress?: ((compressedBytes: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
  /** Beyond these a layer is taken for a bomb. */
  readonly limits?: Partial<UnpackLimits> | undefined
  readonly idMaps?: ApplyOptions['idMaps']
  readonly native?: ApplyOptions['native']
}

export interface UnpackLimits {
  /** Inflated, the archive as a whole. */
  readonly maxBytes: number
  /** How many times its size a layer may inflate to, once it has inflated to `ratioFromBytes`. */
  readonly maxRatio: number
  readonly ratioFromBytes: number
  readonly maxEntries: number
}

/**
 * Far beyond what anybody ships. Zeros shrink 1030 : 1 in gzip, more in zstd: files of zeros are honest up to some size, and
 * become holes.
 */
export const DEFAULT_LIMITS: UnpackLimits = {
  maxBytes: 64 * 2 ** 30,
  maxRatio: 500,
  ratioFromBytes: 2 ** 30,
  maxEntries: 10_000_000,
}

export interface UnpackedLayer {
  /** Sum of the sizes of its files. */
  readonly sizeBytes: number
  readonly fileCount: number
  readonly diffID: Digest
}
