/** `system df`: what takes place on the disk, and how much of it nobody needs. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isActive } from '../../containers/lifecycle.ts'
import { treeBytes } from '../../containers/size.ts'
import type { ContainerSummary } from '../../containers/types.ts'
import type { ImageUsage } from '../../images/types.ts'
import { containerDirectory, type Paths } from '../../paths.ts'
import type { SystemRoom } from './room.ts'
import type { DiskUsage, DiskUsageRow, VolumeUsage } from './types.ts'

/** See `SystemEngine.diskUsage`. */
export async function diskUsage(room: SystemRoom): Promise<DiskUsage> {
  const images = await room.images.usage()
  const containers = await room.containers.list({ all: true, size: true })
  const volumes: VolumeUsage[] = []
  for (const { id } of containers) volumes.push(...(await volumesOf(room.paths, id)))
  return {
    rows: [
      imageRow(images),
      containerRow(containers),
      volumeRow(volumes),
      { type: 'Build Cache', total: 0, active: 0, sizeBytes: 0, reclaimableBytes: 0 },
    ],
    images,
    containers,
    volumes,
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

/** Each has its container, so none can go alone. */
function volumeRow(volumes: readonly VolumeUsage[]): DiskUsageRow {
  const { length } = volumes
  const sizeBytes = sum(volumes.map((volume) => volume.sizeBytes))
  return { type: 'Local Volumes', total: length, active: length, sizeBytes, reclaimableBytes: 0 }
}

const SHORT_ID = 12

async function volumesOf(paths: Paths, container: string): Promise<readonly VolumeUsage[]> {
  const directory = join(containerDirectory(paths, container), 'volumes')
  const found: VolumeUsage[] = []
  for (const entry of await namesIn(directory)) {
    if (entry.endsWith('.part')) continue // it is being filled
    const path = join(directory, entry)
    const name = `${container.slice(0, SHORT_ID)}-${entry}`
    found.push({ name, container, path, sizeBytes: await treeBytes(path) })
  }
  return found
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [] // it has none, or has just been removed
    throw error
  }
}
