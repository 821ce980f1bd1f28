/** Layers that a build counts on and that are elsewhere: each is fetched when somebody looks into it, and not before. */
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { RegistryRepository } from '../registry/client.ts'
import { blobPath, hasBlob } from './blobs.ts'
import type { StackedLayer } from './building.ts'
import type { ImageContext } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { fetchOnly, pullLayer } from './pull-layer.ts'
import { snapshotSize } from './snapshot.ts'

/** Where blobs can be had: a repository of a registry, a directory. What comes is verified by whoever takes it. */
export type BlobSource = Pick<RegistryRepository, 'getBlob'>

/** As a pull does. */
const PARALLEL_LAYERS = 3

export class RemoteLayers {
  readonly #context: ImageContext
  readonly #sources = new Map<Digest, BlobSource>()
  /** Blobs that have been seen to be the layers they were said to be. */
  readonly #seen = new Set<string>()
  #failure: unknown

  constructor(context: ImageContext) {
    this.#context = context
  }

  offer({ digest }: Descriptor, source: BlobSource): void {
    if (!this.#sources.has(digest)) this.#sources.set(digest, source)
  }

  has({ digest }: Descriptor): boolean {
    return this.#sources.has(digest)
  }

  /** Why a layer that was counted on could not be had; undefined: none was missed. */
  get failure(): unknown {
    return this.#failure
  }

  /** From now on nothing is elsewhere. */
  withdraw(): void {
    this.#sources.clear()
    this.#failure = undefined
  }

  /**
   * Afterwards blobs and unpacked layers are here. The caller holds leases on both.
   *
   * @returns the same layers, with the sizes they have
   * @throws {BlobMismatch} what came is not the layer; nothing of it stays
   */
  async bring(layers: readonly StackedLayer[], signal?: AbortSignal): Promise<readonly StackedLayer[]> {
    const bringOne = async (layer: StackedLayer, _: number, one: AbortSignal): Promise<StackedLayer> => {
      const source = this.#sources.get(layer.blob.digest)
      if (source === undefined) return layer
      const options = { signal: one }
      // Whoever offers it may know the names of layers that are here, and give other bytes for one.
      const distrust = !this.#isSeen(layer)
      const pulled = await this.#noting(() => pullLayer(this.#context, source, { layer, options, distrust }))
      this.#seen.add(pair(layer))
      return { ...layer, sizeBytes: pulled.sizeBytes }
    }
    return inParallel(layers, bringOne, { limit: PARALLEL_LAYERS, signal })
  }

  /** Those whose bytes are not here. */
  async away(layers: readonly StackedLayer[]): Promise<readonly StackedLayer[]> {
    const found: StackedLayer[] = []
    for (const layer of layers) if (!(await hasBlob(this.#context.paths, layer.blob))) found.push(layer)
    return found
  }

  /** Whether their bytes are here, and are what they were said to be. */
  async areSure(layers: readonly StackedLayer[]): Promise<boolean> {
    return layers.every((layer) => this.#isSeen(layer)) && (await this.away(layers)).length === 0
  }

  #isSeen(layer: StackedLayer): boolean {
    return !this.has(layer.blob) || this.#seen.has(pair(layer))
  }

  /** Those that have to be brought before they can be used: fetched, or at least unpacked or looked at. */
  async unready(layers: readonly StackedLayer[]): Promise<readonly StackedLayer[]> {
    const found: StackedLayer[] = []
    for (const layer of layers)
      if (!this.#isSeen(layer) || (this.has(layer.blob) && !(await this.#isUnpacked(layer)))) found.push(layer)
    return [...new Set([...found, ...(await this.away(layers))])]
  }

  async #isUnpacked({ chainID }: StackedLayer): Promise<boolean> {
    return (await snapshotSize(this.#context, chainID)) !== undefined
  }

  /** The bytes of a blob, from here or fetched to here first. */
  async read(
    blob: Descriptor,
    { offset, signal }: { readonly offset: number; readonly signal: AbortSignal },
  ): Promise<Readable> {
    const source = this.#sources.get(blob.digest)
    if (source !== undefined && !(await hasBlob(this.#context.paths, blob)))
      await this.#noting(() => fetchOnly(this.#context, source, { blob, options: { signal } }))
    return createReadStream(blobPath(this.#context.paths, blob.digest), { start: offset })
  }

  async #noting<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      this.#failure ??= error
      throw error
    }
  }
}

const pair = ({ blob, diffID }: StackedLayer): string => `${blob.digest} ${diffID}`
