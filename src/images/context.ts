/** What every operation of the image store works with. */
import type { Readable } from 'node:stream'
import type { Digest } from '../oci/digest.ts'
import type { Paths } from '../paths.ts'
import type { RegistryClient } from '../registry/client.ts'
import type { Database } from '../state/database.ts'

/** What the layers' own room (`layers/`) gives: one unpacked directory for each chain id. */
export interface Snapshots {
  has(chainID: Digest): Promise<boolean>
  /** `fill` writes into a fresh directory that gets its name only when everything has gone well. */
  create(chainID: Digest, fill: (directory: string) => Promise<void>): Promise<void>
  path(chainID: Digest): string
  remove(chainID: Digest): Promise<void>
  list(): Promise<readonly Digest[]>
}

export interface UnpackRequest {
  readonly blob: Readable
  readonly mediaType: string
  readonly diffID: Digest
  readonly target: string
  readonly onProgress?: (compressedBytes: number) => void
  readonly signal?: AbortSignal | undefined
}

export interface UnpackedLayer {
  readonly sizeBytes: number
  readonly fileCount: number
  readonly diffID: Digest
}

/** Where passwords are kept: the docker configuration, or a helper that it names. */
export interface CredentialKeeper {
  /** @returns the file they were written to in plain text, if they were */
  store(
    registry: string,
    credentials: { readonly username: string; readonly password: string; readonly identityToken?: string },
  ): Promise<{ readonly plainTextPath?: string | undefined }>
  erase(registry: string): Promise<void>
}

export interface ImageContext {
  readonly paths: Paths
  readonly database: Database
  readonly registry: RegistryClient
  readonly credentials: CredentialKeeper
  readonly snapshots: Snapshots
  readonly unpack: (request: UnpackRequest) => Promise<UnpackedLayer>
  /** Containers in any state that were made of the image: what they use is neither removed nor collected. Must not await. */
  readonly usersOf: (
    imageId: string,
  ) => readonly { readonly id: string; readonly name: string; readonly running: boolean }[]
}
