/** What the image room answers, and how it reports progress. The JSON shapes with capitals are docker's. */

import type { Readable } from 'node:stream'
import type { Descriptor, ImageConfig, ImageProcessConfig, Platform } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { CheckOptions, RoomReport } from '../state/findings.ts'
import type { PackOptions } from './pack.ts'

/** One step of a transfer as the progress display sees it. `id` names the line: the first 12 hex digits of a layer's digest. */
export interface TransferProgress {
  readonly id: string
  readonly phase:
    | 'waiting'
    | 'downloading'
    | 'verifying'
    | 'extracting'
    | 'pulled'
    | 'exists'
    | 'preparing'
    | 'pushing'
    | 'mounted'
    | 'pushed'
    | 'loading'
    | 'retrying'
  /** Bytes so far and in all; 0 when unknown. */
  readonly currentBytes: number
  readonly totalBytes: number
  /** For people, e.g. why it is retrying. */
  readonly detail?: string
}

export interface TransferOptions {
  readonly onProgress?: (progress: TransferProgress) => void
  /** One line for people: `latest: Pulling from library/busybox`, warnings of the registry. */
  readonly onMessage?: (line: string) => void
  readonly signal?: AbortSignal
}

export interface PullOptions extends TransferOptions {
  /** `os/arch[/variant]`; the host's when missing. */
  readonly platform?: string
  readonly allTags?: boolean
}

export interface PullResult {
  /** Canonical: `docker.io/library/busybox:latest`. */
  readonly reference: string
  readonly id: Digest
  /** Of what the reference names: the index where there is one, else the manifest. */
  readonly digest: Digest
  readonly upToDate: boolean
}

export interface PushOptions extends TransferOptions {
  readonly platform?: string
  readonly allTags?: boolean
  readonly exact?: ExactImage
}

/** What a name stands for in a registry. */
export interface RemoteContent {
  /** With the host and the tag or digest. */
  readonly name: string
  readonly descriptor: Descriptor
  /** As the registry has it, verified. */
  readonly bytes: Uint8Array
  /** What an index lists; undefined: it is none. */
  readonly manifests: readonly Descriptor[] | undefined
}

/** An index of what is in registries. */
export interface CombineOptions {
  /** References; the first of two that are the same counts. */
  readonly sources: readonly string[]
  /** Where it goes. */
  readonly tags: readonly string[]
  /** To what these tags stand for already. */
  readonly append: boolean
  /** One image becomes an index too. */
  readonly preferIndex: boolean
  /** Nothing is sent. */
  readonly dryRun: boolean
  readonly onMessage?: ((text: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface CombinedImage {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

/** What is meant, whatever its names stand for by now: somebody else may have given them to another image. */
export interface ExactImage {
  /** Of the image, or the digest of the index. */
  readonly id: Digest
  /** The manifest, or the index. */
  readonly target: Descriptor
}

export interface PushResult {
  readonly reference: string
  readonly tag: string
  readonly digest: Digest
  readonly sizeBytes: number
}

export interface ImageFilters {
  readonly dangling?: boolean
  /** `key` or `key=value`, all must match */
  readonly labels?: readonly string[]
  readonly labelsNot?: readonly string[]
  /** patterns such as `busybox*:*` */
  readonly references?: readonly string[]
  /** image names */
  readonly before?: string
  readonly since?: string
  /** a duration (`24h`) or a time stamp */
  readonly until?: string
}

export interface ListImagesOptions {
  readonly all?: boolean
  /** As in `docker images REPO[:TAG]`. */
  readonly name?: string
  /** docker's `--filter key=value`, unparsed. */
  readonly filters?: readonly string[]
}

/** One image; a row of `images` is made of each of its tags. */
export interface ImageSummary {
  readonly id: Digest
  /** canonical references with tags */
  readonly tags: readonly string[]
  /** canonical references with digests */
  readonly digests: readonly string[]
  readonly createdAtMs: number
  /** Unpacked size. */
  readonly sizeBytes: number
  readonly labels: Readonly<Record<string, string>>
  readonly platform: Platform
  /** How many containers use it. */
  readonly containers: number
}

/** `docker image inspect`. */
export interface ImageInspect {
  readonly Id: string
  readonly RepoTags: readonly string[]
  readonly RepoDigests: readonly string[]
  readonly Parent: string
  readonly Comment: string
  readonly Created: string
  readonly DockerVersion: string
  readonly Author: string
  readonly Config: ImageProcessConfig
  readonly Architecture: string
  readonly Variant?: string
  readonly Os: string
  readonly Size: number
  readonly VirtualSize: number
  readonly GraphDriver: { readonly Name: string; readonly Data: Readonly<Record<string, string>> | null }
  readonly RootFS: { readonly Type: 'layers'; readonly Layers: readonly string[] }
  readonly Metadata: { readonly LastTagTime: string }
  readonly Descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number }
}

export interface HistoryRow {
  /** Image id, or `<missing>`. */
  readonly id: string
  readonly createdAtMs: number
  readonly createdBy: string
  readonly sizeBytes: number
  readonly comment: string
  readonly tags: readonly string[]
}

export interface RemoveImageResult {
  /** In the order it happened. */
  readonly untagged: readonly string[]
  readonly deleted: readonly string[]
}

export interface PruneResult extends RemoveImageResult {
  readonly reclaimedBytes: number
}

export interface FileDifference {
  readonly path: string
  readonly kind: 'added' | 'changed' | 'removed'
  readonly sizeBefore: number
  readonly sizeAfter: number
}

/** Everything a container needs of an image, present on disk. */
export interface PreparedImage {
  readonly id: Digest
  /** Canonical reference the user named, or the id. */
  readonly name: string
  readonly platform: Platform
  readonly config: ImageConfig
  /** Manifest annotations. Untrusted: an image may ask for a stricter backend, never for a weaker one. */
  readonly annotations: Readonly<Record<string, string>>
  readonly content: /** Unpacked layer directories, top-most first. */
    | { readonly kind: 'layers'; readonly lower: readonly string[] }
    /** The single layer of a WASM artifact. */
    | { readonly kind: 'module'; readonly path: string }
}

/** What one image takes on the disk. */
export interface ImageUsage extends ImageSummary {
  /** Of layers that other images have too. */
  readonly sharedBytes: number
  /** Its part of the sum over all images, in which each layer counts once. */
  readonly paidBytes: number
  /** Of that what would go if all images went that no container uses. */
  readonly freeableBytes: number
}

/** The image room's face to the engine. Names are what users type: references, ids, id prefixes. */
export interface ImageStore {
  pull(reference: string, options?: PullOptions): Promise<PullResult>
  push(reference: string, options?: PushOptions): Promise<readonly PushResult[]>
  list(options?: ListImagesOptions): Promise<readonly ImageSummary[]>
  /** @throws {ImageNotFound} */
  inspect(name: string, platform?: string): Promise<ImageInspect>
  /** The same without pulling: only manifests and the config are read from the registry. */
  inspectRemote(reference: string, platform?: string): Promise<ImageInspect>
  /** What a name stands for in its registry. @throws {ManifestUnknown} */
  remote(reference: string, signal?: AbortSignal): Promise<RemoteContent>
  /** Configs by platform; of what is no index its own, under the empty name. */
  remoteConfigs(reference: string, signal?: AbortSignal): Promise<ReadonlyMap<string, ImageConfig>>
  /** Puts images of registries under one index. @throws {InvalidArgument} @throws {ManifestUnknown} */
  combine(options: CombineOptions): Promise<CombinedImage>
  history(name: string, platform?: string): Promise<readonly HistoryRow[]>
  tag(source: string, target: string): Promise<void>
  remove(name: string, options?: { readonly force?: boolean; readonly noPrune?: boolean }): Promise<RemoveImageResult>
  prune(options?: { readonly all?: boolean; readonly filters?: readonly string[] }): Promise<PruneResult>
  /** A tar that `docker load` and `skopeo` (docker-archive, oci-archive) read. @param names - of the exact image those that it gets */
  save(
    names: readonly string[],
    output: NodeJS.WritableStream,
    options?: { readonly platform?: string; readonly exact?: ExactImage; readonly signal?: AbortSignal },
  ): Promise<void>
  /** The same as an OCI layout in a directory, beside what it has already. @throws {ArchiveInvalid} it cannot be written */
  saveLayout(
    names: readonly string[],
    directory: string,
    options?: { readonly platform?: string; readonly exact?: ExactImage; readonly signal?: AbortSignal },
  ): Promise<void>
  /** @returns lines' worth of names: canonical references, or ids of untagged images */
  load(
    input: NodeJS.ReadableStream,
    options?: TransferOptions & { readonly platform?: string },
  ): Promise<readonly string[]>
  /** A root file system tar (plain, gzip, zstd) becomes a one-layer image. @returns its id */
  import(
    input: NodeJS.ReadableStream,
    options?: {
      readonly reference?: string
      readonly changes?: readonly string[]
      readonly message?: string
      readonly platform?: string
    },
  ): Promise<Digest>
  /** A WebAssembly program becomes an image or an artifact. @returns its id */
  pack(options: PackOptions): Promise<Digest>
  /** An image of another one and a layer above it. @returns its id */
  derive(options: {
    readonly base: string
    /** Its tar, uncompressed; opened once all else is in order, and read to the end or destroyed. */
    readonly layer: () => Readable
    readonly config: ImageProcessConfig
    readonly changes?: readonly string[] | undefined
    readonly reference?: string | undefined
    readonly author?: string | undefined
    readonly message?: string | undefined
    readonly createdBy?: string | undefined
  }): Promise<Digest>
  usage(): Promise<readonly ImageUsage[]>
  /** Remote tags, page by page. */
  tags(repository: string): AsyncIterable<string>
  diff(from: string, to: string): Promise<readonly FileDifference[]>
  login(options: {
    readonly registry?: string
    readonly username?: string
    readonly password?: string
  }): Promise<{ readonly message: string; readonly warning?: string }>
  /** Content against digests, images against content, and what belongs to nobody; mended where that is asked for. */
  check(options: CheckOptions): Promise<RoomReport>
  logout(registry?: string): Promise<{ readonly message: string }>
  /**
   * The image ready to run: unpacked, and kept from collection while `holder` (a container id) exists.
   * @throws {ImageNotFound} it is not in the store (the caller decides on pulling)
   */
  prepare(name: string, options?: { readonly platform?: string }): Promise<PreparedImage>
}
