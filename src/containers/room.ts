/** What every part of the container room works with. */
import type { ImageStore } from '../images/types.ts'
import type { Paths } from '../paths.ts'
import type { IsolationBackend } from '../plugins/contract.ts'
import type { Database } from '../state/database.ts'

/**
 * Opens the backend of a name, loading its code only then: `linux`, `wasi`, `oci:RUNTIME` with the name or path of a
 * runtime binary, or what a plugin brings.
 */
export type OpenBackend = (name: string) => Promise<IsolationBackend>

export interface ContainerRoom {
  readonly paths: Paths
  readonly database: Database
  readonly images: ImageStore
  readonly openBackend: OpenBackend
  /** The network of containers that ask for none; missing: `none`. */
  readonly defaultNetwork?: () => string
}
