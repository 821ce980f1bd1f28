/** What concerns the whole installation: its state, its disk, its news. */
import type { EventType } from '../../state/events.ts'

/** docker's event, in the words its clients read. */
export interface EngineEvent {
  readonly type: EventType
  readonly action: string
  readonly id: string
  readonly attributes: Readonly<Record<string, string>>
  readonly timeNs: bigint
}

export interface EventOptions {
  /** A time stamp, Unix seconds, or a duration back from now; without it only what happens from now on. */
  readonly since?: string | undefined
  /** The stream ends there; without it only by `signal`. */
  readonly until?: string | undefined
  /** docker's `key=value`, unparsed. */
  readonly filters: readonly string[]
  readonly signal?: AbortSignal
}

/** One kind of thing that takes place on the disk. */
export interface DiskUsageRow {
  readonly type: 'Images' | 'Containers' | 'Local Volumes' | 'Build Cache'
  readonly total: number
  readonly active: number
  readonly sizeBytes: number
  readonly reclaimableBytes: number
}

export interface DiskUsageItem {
  readonly type: DiskUsageRow['type']
  readonly id: string
  readonly name: string
  readonly sizeBytes: number
  readonly sharedBytes: number
  readonly createdAtMs: number
  /** containers that use it */
  readonly users: number
  readonly detail: string
}

export interface DiskUsage {
  readonly rows: readonly DiskUsageRow[]
  readonly items: readonly DiskUsageItem[]
}

export interface SystemPruneOptions {
  /** All unused images, not just those without a name. */
  readonly all: boolean
  readonly volumes: boolean
  readonly filters: readonly string[]
}

export interface SystemPruneResult {
  readonly containers: readonly string[]
  readonly images: readonly string[]
  readonly volumes: readonly string[]
  readonly reclaimedBytes: number
}

/** docker's fields of `info`, as far as they mean something here. */
export type SystemInfo = Readonly<Record<string, unknown>>

/** Something in the store that is not as it should be. */
export interface Finding {
  readonly kind:
    | 'damaged-blob'
    | 'missing-blob'
    | 'damaged-snapshot'
    | 'missing-snapshot'
    | 'orphaned-files'
    | 'orphaned-record'
    | 'stale-record'
    | 'database'
  /** What it is about: a digest, a path, a name. */
  readonly subject: string
  /** One sentence. */
  readonly problem: string
  /** What `--repair` did, or would do; undefined: the user has to (the sentence says what). */
  readonly repair: string | undefined
  readonly repaired: boolean
}

export interface CheckReport {
  /** How many of each kind were looked at. */
  readonly checked: Readonly<Record<'blobs' | 'snapshots' | 'images' | 'containers' | 'files', number>>
  readonly findings: readonly Finding[]
}

export interface CheckOptions {
  readonly repair: boolean
  /** Sizes and references only, no digests. */
  readonly quick: boolean
  readonly signal?: AbortSignal
}

export interface SystemEngine {
  info(): Promise<SystemInfo>
  diskUsage(): Promise<DiskUsage>
  prune(options: SystemPruneOptions): Promise<SystemPruneResult>
  /** In the order they happened. */
  events(options: EventOptions): AsyncIterable<EngineEvent>
  check(options: CheckOptions): Promise<CheckReport>
}
