/** What the faces (`commands/`, later `server/`) may ask for. `local.ts` answers in this process. */
import type { BuildEngine } from '../build/types.ts'
import type { ContainerEngine } from '../containers/types.ts'
import type { ImageStore } from '../images/types.ts'
import type { NetworkEngine } from '../network/types.ts'
import type { VolumeEngine } from '../volumes/types.ts'
import type { SystemEngine } from './system/types.ts'
import type { WasmEngine } from './wasm/types.ts'

export type { StatsSample, Tried } from '../containers/types.ts'

export interface Engine {
  readonly images: ImageStore
  readonly containers: ContainerEngine
  readonly builds: BuildEngine
  readonly volumes: VolumeEngine
  readonly networks: NetworkEngine
  readonly system: SystemEngine
  readonly wasm: WasmEngine
  /** A setting of the user's docker config.json: `psFormat`, `imagesFormat`, `statsFormat` … */
  userSetting(name: string): string | undefined
  /** Closes connections and the state database. Idempotent. */
  close(): Promise<void>
}
