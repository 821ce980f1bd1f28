/** What every answer about the whole installation works with. */
import type { BuildEngine } from '../../build/types.ts'
import type { ContainerEngine } from '../../containers/types.ts'
import type { ImageStore } from '../../images/types.ts'
import type { NetworkEngine } from '../../network/types.ts'
import type { Paths } from '../../paths.ts'
import type { Database } from '../../state/database.ts'
import type { VolumeEngine } from '../../volumes/types.ts'

export interface SystemRoom {
  readonly paths: Paths
  readonly database: Database
  readonly images: ImageStore
  readonly containers: ContainerEngine
  readonly builds: BuildEngine
  readonly volumes: VolumeEngine
  readonly networks: NetworkEngine
}
