/** `system df` by docker's field names. */
import type { CacheRecord } from '../build/types.ts'
import type { ContainerSummary } from '../containers/types.ts'
import type { ImageUsage } from '../images/types.ts'
import { CONTAINER_HEADINGS, containerRow } from './container-rows.ts'
import { formatRows, type Row } from './format-rows.ts'
import { IMAGE_HEADINGS, imageRows } from './image-rows.ts'
import { humanAge, humanSize } from './units.ts'

export const DF_HEADINGS = {
  Type: 'TYPE',
  TotalCount: 'TOTAL',
  Active: 'ACTIVE',
  Size: 'SIZE',
  Reclaimable: 'RECLAIMABLE',
}
export const DF_COLUMNS = ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable']

export interface UsageRow {
  readonly type: string
  readonly total: number
  readonly active: number
  readonly sizeBytes: number
  readonly reclaimableBytes: number
}

export function dfRows(rows: readonly UsageRow[]): readonly Row[] {
  return rows.map(({ type, total, active, sizeBytes, reclaimableBytes }) => ({
    Type: type,
    TotalCount: `${total}`,
    Active: `${active}`,
    Size: humanSize(sizeBytes),
    Reclaimable: `${humanSize(reclaimableBytes)}${sizeBytes > 0 ? ` (${Math.floor((reclaimableBytes / sizeBytes) * 100)}%)` : ''}`,
  }))
}

export interface UsageDetails {
  readonly images: readonly ImageUsage[]
  /** With their sizes. */
  readonly containers: readonly ContainerSummary[]
  readonly volumes: readonly UsedVolume[]
  readonly cache: readonly CacheRecord[]
}

interface UsedVolume {
  readonly name: string
  readonly driver: string
  /** Ids of those that have it. */
  readonly containers: readonly string[]
  readonly path: string
  readonly sizeBytes: number
}

export interface DetailOptions {
  /** Ids and commands are not cut off. */
  readonly full: boolean
  readonly nowMs?: number
}

/** With `-v --format`: everything in one document. */
export function dfDocument(
  { images, containers, volumes, cache }: UsageDetails,
  { full, nowMs = Date.now() }: DetailOptions,
): { readonly [Key in 'Images' | 'Containers' | 'Volumes' | 'BuildCache']: readonly Row[] } {
  return {
    Images: images.flatMap((image) =>
      imageRows([image], { full, nowMs }).map((row) => ({
        ...row,
        SharedSize: humanSize(image.sharedBytes),
        UniqueSize: humanSize(image.sizeBytes - image.sharedBytes),
      })),
    ),
    Containers: containers.map((container) => ({
      ...containerRow(container, { full, nowMs }),
      Size: humanSize(container.size?.writableBytes ?? 0, 3),
      LocalVolumes: `${volumes.filter((volume) => volume.containers.includes(container.id)).length}`,
    })),
    Volumes: volumes.map(({ name, driver, containers: users, path, sizeBytes }) => ({
      Name: name,
      Driver: driver,
      Links: `${users.length}`,
      Mountpoint: path,
      Scope: 'local',
      Size: humanSize(sizeBytes),
    })),
    BuildCache: cache.map((record) => cacheRow(record, nowMs)),
  }
}

function cacheRow(record: CacheRecord, nowMs: number): Row {
  return {
    ID: record.id,
    CacheType: record.kind,
    Description: record.description,
    Size: humanSize(record.sizeBytes),
    CreatedSince: humanAge(record.createdAtMs, nowMs),
    LastUsedSince: humanAge(record.usedAtMs, nowMs),
    UsageCount: `${record.uses}`,
    Shared: `${record.shared}`,
  }
}

/** With `-v`: a table for each kind. */
export function dfSections(details: UsageDetails, nowMs: number = Date.now()): readonly string[] {
  const { Images, Containers, Volumes, BuildCache } = dfDocument(details, { full: false, nowMs })
  return [
    'Images space usage:',
    '',
    ...formatRows(Images, { columns: IMAGE_COLUMNS, headings: IMAGE_HEADINGS }),
    '',
    'Containers space usage:',
    '',
    ...formatRows(Containers, { columns: CONTAINER_COLUMNS, headings: CONTAINER_HEADINGS }),
    '',
    'Local Volumes space usage:',
    '',
    ...formatRows(Volumes, { columns: ['Name', 'Links', 'Size'], headings: VOLUME_HEADINGS }),
    '',
    `Build cache usage: ${humanSize(details.cache.reduce((sum, { sizeBytes, shared }) => sum + (shared ? 0 : sizeBytes), 0))}`,
    '',
    ...formatRows(BuildCache, { columns: CACHE_COLUMNS, headings: CACHE_HEADINGS }),
  ]
}

const IMAGE_COLUMNS = ['Repository', 'Tag', 'ID', 'CreatedSince', 'Size', 'SharedSize', 'UniqueSize', 'Containers']
const CONTAINER_COLUMNS = ['ID', 'Image', 'Command', 'LocalVolumes', 'Size', 'RunningFor', 'Status', 'Names']
const VOLUME_HEADINGS = { Name: 'VOLUME NAME', Links: 'LINKS', Size: 'SIZE' }
const CACHE_COLUMNS = ['ID', 'CacheType', 'Size', 'CreatedSince', 'LastUsedSince', 'UsageCount', 'Shared']
const CACHE_HEADINGS = {
  ID: 'CACHE ID',
  CacheType: 'CACHE TYPE',
  Size: 'SIZE',
  CreatedSince: 'CREATED',
  LastUsedSince: 'LAST USED',
  UsageCount: 'USAGE',
  Shared: 'SHARED',
}
