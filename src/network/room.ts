/** What every part of the network room works with. */
import type { Paths } from '../paths.ts'
import type { Database } from '../state/database.ts'

export interface NetworkRoom {
  readonly paths: Paths
  readonly database: Database
}
