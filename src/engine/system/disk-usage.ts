/** `system df`: what takes place on the disk, and how much of it nobody needs. */
import type { CacheRecord } from '../../build/types.ts'
import { isActive } from '../../containers/lifecycle.ts'
import type { ContainerSummary } from '../../containers/types.ts'
import type { ImageUsage } from '../../images/types.ts'
import type { VolumeUsage } from '../../volumes/types.ts'
import { type CacheUsage, cacheUsage } from './caches.ts'
import type { SystemRoom } from './room.ts'
import type { DiskUsage, DiskUsageRow } from './types.ts'

/** See `SystemEngine.diskUsage`. */
export async function diskUsage(room: SystemRoom): Promise<DiskUsage> {
  const images = await room.images.usage()
  const containers = await room.containers.list({ all: true, size: true })
  const volumes = await room.volumes.usage()
  const cache = await room.builds.usage()
  return {
    rows: [
      imageRow(images),
      containerRow(containers),
      volumeRow(volumes),
      buildCacheRow(cache),
      cacheRow(cacheUsage(room.paths)),
    ],
    images,
    containers,
    volumes,
    cache,
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function imageRow(images: readonly ImageUsage[]): DiskUsageRow {
  return {
    type: 'Images',
    total: images.length,
    active: images.filter(({ containers }) => containers > 0).length,
    sizeBytes: sum(images.map(({ paidBytes }) => paidBytes)),
    reclaimableBytes: sum(images.map(({ freeableBytes }) => freeableBytes)),
  }
}

function containerRow(containers: readonly ContainerSummary[]): DiskUsageRow {
  const bytes = ({ size }: ContainerSummary) => size?.writableBytes ?? 0
  const idle = containers.filter(({ state }) => !isActive(state) && state !== 'restarting')
  return {
    type: 'Containers',
    total: containers.length,
    active: containers.length - idle.length,
    sizeBytes: sum(containers.map(bytes)),
    reclaimableBytes: sum(idle.map(bytes)),
  }
}

/** What an image has too is the image's. */
function buildCacheRow(cache: readonly CacheRecord[]): DiskUsageRow {
  const own = sum(cache.filter(({ shared }) => !shared).map(({ sizeBytes }) => sizeBytes))
  return { type: 'Build Cache', total: cache.length, active: 0, sizeBytes: own, reclaimableBytes: own }
}

function volumeRow(volumes: readonly VolumeUsage[]): DiskUsageRow {
  const idle = volumes.filter(({ containers }) => containers.length === 0)
  const bytes = ({ sizeBytes }: VolumeUsage) => sizeBytes
  return {
    type: 'Local Volumes',
    total: volumes.length,
    active: volumes.length - idle.length,
    sizeBytes: sum(volumes.map(bytes)),
    reclaimableBytes: sum(idle.map(bytes)),
  }
}

/** Nothing that runs needs its file once it has begun. */
function cacheRow({ files, sizeBytes }: CacheUsage): DiskUsageRow {
  return { type: 'Caches', total: files, active: 0, sizeBytes, reclaimableBytes: sizeBytes }
}
