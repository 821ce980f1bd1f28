/** Results of steps as documents that go from one machine to another. Whoever reads one trusts nothing in it. */

import { isObject } from '../../images/manifest.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Digest, isDigest } from '../../oci/digest.ts'
import { layerCompression } from '../../oci/media-types.ts'
import { CacheInvalid } from '../errors.ts'

/** The config of a cache that is a manifest of its own; its layers are the manifest's. */
export const CACHE_CONFIG = 'application/vnd.coracle.buildcache.v1+json'
/** Of an image config that has one inside; its layers are the image's. */
export const INLINE_KEY = 'coracle.buildcache.v1'
/** What BuildKit writes. */
export const BUILDKIT_CONFIG = 'application/vnd.buildkit.cacheconfig.v0'

const MAX_STEPS = 20_000
const MAX_KEYS = 16
export const MAX_CACHE_LAYERS = 10_000
const LATEST_MS = 8.64e15

/** A step that somebody has carried out. Its key stands for all it depends on, the layers below included. */
export interface SharedStep {
  readonly keys: readonly string[]
  /** The layer it has made; undefined: it has changed nothing. */
  readonly layer: SharedLayer | undefined
  readonly createdAtMs: number
}

export interface SharedLayer {
  readonly blob: Descriptor
  readonly diffID: Digest
}

interface StepDocument {
  readonly keys: readonly string[]
  /** Which of the layers. */
  readonly layer?: number
  /** Milliseconds since 1970. */
  readonly created: number
}

/** @param diffIDs - of the layers beside the document, in their order */
export function writeDocument(steps: readonly SharedStep[], diffIDs: readonly Digest[]): object {
  const positions = new Map(diffIDs.map((diffID, index) => [diffID, index]))
  const written = steps.map(({ keys, layer, createdAtMs: created }): StepDocument => {
    const position = layer === undefined ? undefined : positions.get(layer.diffID)
    return { keys: keys.slice(0, MAX_KEYS), ...(position !== undefined && { layer: position }), created }
  })
  return { version: 1, steps: written }
}

/**
 * @param layers - what the manifest lists
 * @throws {CacheInvalid}
 */
export function readDocument(document: unknown, layers: readonly SharedLayer[]): readonly SharedStep[] {
  if (!isObject(document)) throw new CacheInvalid('it is no object')
  if (document['version'] !== 1) throw new CacheInvalid('it has another version', { hint: 'a newer Coracle wrote it' })
  const { steps } = document
  if (!Array.isArray(steps) || steps.length > MAX_STEPS) throw new CacheInvalid('its list of steps is malformed')
  return steps.map((step: unknown) => readStep(step, layers))
}

function readStep(step: unknown, layers: readonly SharedLayer[]): SharedStep {
  if (!isObject(step)) throw new CacheInvalid('a step is no object')
  const { keys, layer: position, created } = step
  if (!Array.isArray(keys) || keys.length > MAX_KEYS || !keys.every(isKey)) throw new CacheInvalid('a key is malformed')
  if (typeof created !== 'number' || !Number.isSafeInteger(created) || created < 0 || created > LATEST_MS)
    throw new CacheInvalid('a time is malformed')
  if (position === undefined) return { keys, layer: undefined, createdAtMs: created }
  const layer = typeof position === 'number' ? layers[position] : undefined
  if (layer === undefined) throw new CacheInvalid('a step names a layer that is not there')
  return { keys, layer, createdAtMs: created }
}

const isKey = (key: unknown): key is string => typeof key === 'string' && /^[0-9a-f]{64}$/.test(key)

/** Layers of a manifest with what their plain tars are called. @throws {CacheInvalid} */
export function pairLayers(blobs: readonly Descriptor[], diffIDs: unknown): readonly SharedLayer[] {
  if (!Array.isArray(diffIDs) || diffIDs.length !== blobs.length || blobs.length > MAX_CACHE_LAYERS)
    throw new CacheInvalid('its layers are not those of its manifest')
  return blobs.map((blob, index) => {
    const diffID: unknown = diffIDs[index]
    if (typeof diffID !== 'string' || !isDigest(diffID)) throw new CacheInvalid('the digest of a layer is malformed')
    if (layerCompression(blob.mediaType) === undefined) throw new CacheInvalid(`a layer is of type ${blob.mediaType}`)
    const { mediaType, digest, size } = blob
    return { blob: { mediaType, digest, size }, diffID }
  })
}
