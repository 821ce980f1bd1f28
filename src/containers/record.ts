/** What is known of a container: the shapes of its record. */
import type { ProcessIdentity } from '../util/process-identity.ts'
import type { ContainerSettings } from './config.ts'
import type { ContainerState } from './lifecycle.ts'

/** What is stored of the settings, with the image's defaults applied. */
export type StoredSettings = Pick<ContainerSettings, 'config' | 'host' | 'platform'> & {
  /** What is run: entrypoint and arguments. */
  readonly argv: readonly string[]
  /** A step of a build: nobody's container, shown in no list and told of in no event. */
  readonly purpose?: 'build'
}

export interface ContainerRecord {
  readonly id: string
  readonly name: string
  /** Image id; undefined for a bare module. */
  readonly image: string | undefined
  readonly imageName: string
  readonly backend: string
  readonly state: ContainerState
  readonly autoRemove: boolean
  readonly settings: StoredSettings
  readonly createdAtMs: number
  readonly startedAtMs: number | undefined
  readonly finishedAtMs: number | undefined
  readonly process: ProcessIdentity | undefined
  readonly supervisor: ProcessIdentity | undefined
  /** The command that is creating or starting it. */
  readonly owner: ProcessIdentity | undefined
  /** undefined while it has not ended; -1: ended, but nobody could learn how */
  readonly exitStatus: number | undefined
  readonly oomKilled: boolean
  readonly error: string | undefined
  /** The user has ended it: no policy brings it back before the next start. */
  readonly stoppedByUser: boolean
  /** By the restart policy, since the last start by a user. */
  readonly restartCount: number
  /** The last pause before a restart. */
  readonly restartDelayMs: number
  readonly health: Health | undefined
}

/** docker's State.Health. */
export interface Health {
  readonly Status: 'starting' | 'healthy' | 'unhealthy'
  /** failures in a row */
  readonly FailingStreak: number
  /** the latest five, oldest first */
  readonly Log: readonly Probe[]
}

export interface Probe {
  /** RFC 3339 */
  readonly Start: string
  readonly End: string
  /** 0 healthy, others not; -1 timed out or could not be run */
  readonly ExitCode: number
  /** at most 4096 bytes */
  readonly Output: string
}

/** Columns that may change along with the state. */
export interface RecordChanges {
  readonly process?: ProcessIdentity | undefined
  readonly supervisor?: ProcessIdentity | undefined
  readonly owner?: ProcessIdentity | undefined
  readonly startedAtMs?: number | undefined
  readonly finishedAtMs?: number | undefined
  readonly exitStatus?: number | undefined
  readonly oomKilled?: boolean
  readonly error?: string | undefined
  readonly stoppedByUser?: boolean
  readonly restartCount?: number
  readonly restartDelayMs?: number
  readonly health?: Health | undefined
  /** Its anonymous volumes go with it. */
  readonly autoRemove?: boolean
}

export interface NewContainer {
  readonly id: string
  /** empty: one is generated */
  readonly name: string
  readonly image: string | undefined
  readonly imageName: string
  readonly backend: string
  readonly settings: StoredSettings
}
