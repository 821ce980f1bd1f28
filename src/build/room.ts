/** What every part of the build room works with. */
import type { ContainerRoom } from '../containers/room.ts'
import type { BuildStore } from '../images/building.ts'

export interface BuildRoom extends ContainerRoom {
  readonly openStore: () => Promise<BuildStore>
  /** Removes content that nothing needs any more. @returns bytes */
  readonly collect: () => Promise<number>
}
