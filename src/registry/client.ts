/** What the image store asks of a registry (distribution-spec 1.1). */
import type { Readable } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Reference } from '../oci/reference.ts'

export interface ManifestAnswer {
  /** `mediaType`, digest and size of `bytes`, verified against what was asked for. */
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

export interface BlobOptions {
  /** Resume here; the stream starts at this byte. */
  readonly offset?: number
  readonly signal?: AbortSignal
}

export interface PushBlobOptions {
  /** Another repository of the same registry that may hold the blob (cross-repository mount). */
  readonly mountFrom?: readonly string[]
  /** Bytes sent so far, for progress. */
  readonly onProgress?: (sentBytes: number) => void
  /** Split the upload into chunks of this many bytes; whole by default. */
  readonly chunkBytes?: number
  readonly signal?: AbortSignal
}

export type PushOutcome = 'exists' | 'mounted' | 'uploaded'

/** One repository of one registry, credentials and mirrors settled. Every call retries what is worth retrying. */
export interface RegistryRepository {
  readonly reference: Reference
  /** Digest and media type of a tag or digest without its content (HEAD, falling back to GET). */
  resolve(tagOrDigest: string, signal?: AbortSignal): Promise<Descriptor>
  getManifest(tagOrDigest: string, signal?: AbortSignal): Promise<ManifestAnswer>
  /** Raw bytes as stored, exactly as many as the descriptor says; resumes by itself after a broken connection. The content store verifies the digest. */
  getBlob(descriptor: Descriptor, options?: BlobOptions): Promise<Readable>
  pushBlob(
    descriptor: Descriptor,
    open: (offset: number) => Promise<Readable>,
    options?: PushBlobOptions,
  ): Promise<PushOutcome>
  /** @returns the digest the registry stored it under */
  putManifest(tagOrDigest: string, bytes: Uint8Array, mediaType: string, signal?: AbortSignal): Promise<Digest>
  /** Tags in the registry's order, page by page. */
  tags(options?: { readonly pageSize?: number; readonly signal?: AbortSignal }): AsyncIterable<string>
}

export interface RegistryClient {
  /** `scope` is what will be done there, so that one token serves all of it. */
  repository(reference: Reference, scope: 'pull' | 'push'): RegistryRepository
  /** Tries the credentials against the registry. @returns what the registry answered (`Login Succeeded`, or an identity token to store) */
  login(
    registry: string,
    credentials: { readonly username: string; readonly password: string },
  ): Promise<{ readonly identityToken?: string }>
  /** Closes every connection. */
  close(): Promise<void>
}
