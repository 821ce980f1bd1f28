/** What the faces (`commands/`, later `server/`) may ask for. `local.ts` answers in this process. */
import type { ContainerEngine } from '../containers/types.ts'
import type { ImageStore } from '../images/types.ts'
import type { SystemEngine } from './system/types.ts'

export interface Engine {
  readonly images: ImageStore
  readonly containers: ContainerEngine
  readonly system: SystemEngine
  /** Closes connections and the state database. Idempotent. */
  close(): Promise<void>
}
