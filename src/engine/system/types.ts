/** What concerns the whole installation: its state, its disk, its news. */
import type { CacheRecord } from '../../build/types.ts'
import type { ContainerSummary } from '../../containers/types.ts'
import type { Kept } from '../../errors.ts'
import type { ImageUsage } from '../../images/types.ts'
import type { EventType } from '../../state/events.ts'
import type { CheckOptions, CheckReport } from '../../state/findings.ts'
import type { VolumeUsage } from '../../volumes/types.ts'

export type { CheckOptions, CheckReport, Finding } from '../../state/findings.ts'

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
  readonly type: 'Images' | 'Containers' | 'Local Volumes' | 'Build Cache' | 'Caches'
  readonly total: number
  readonly active: number
  readonly sizeBytes: number
  readonly reclaimableBytes: number
}

export interface DiskUsage {
  readonly rows: readonly DiskUsageRow[]
  readonly images: readonly ImageUsage[]
  /** With their sizes. */
  readonly containers: readonly ContainerSummary[]
  readonly volumes: readonly VolumeUsage[]
  readonly cache: readonly CacheRecord[]
}

export interface SystemPruneOptions {
  /** All unused images, not just those without a name, and caches. */
  readonly all: boolean
  readonly volumes: boolean
  readonly filters: readonly string[]
}

export interface SystemPruneResult {
  readonly containers: readonly string[]
  readonly networks: readonly string[]
  readonly images: readonly string[]
  readonly volumes: readonly string[]
  readonly cache: readonly string[]
  /** Networks and volumes. */
  readonly kept: readonly Kept[]
  readonly reclaimedBytes: number
}

/** docker's fields of `info`, as far as they mean something here. */
export type SystemInfo = Readonly<Record<string, unknown>>

export interface SystemEngine {
  info(): Promise<SystemInfo>
  diskUsage(): Promise<DiskUsage>
  prune(options: SystemPruneOptions): Promise<SystemPruneResult>
  /** In the order they happened. */
  events(options: EventOptions): AsyncIterable<EngineEvent>
  check(options: CheckOptions): Promise<CheckReport>
}
