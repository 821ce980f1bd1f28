/** `system df`: what takes place on the disk, and how much of it nobody needs. */
import { join } from 'node:path'
import { isActive } from '../../containers/lifecycle.ts'
import { treeBytes, writtenBytes } from '../../containers/size.ts'
import type { ContainerSummary } from '../../containers/types.ts'
import type { ImageUsage } from '../../images/types.ts'
import { containerDirectory } from '../../paths.ts'
import type { SystemRoom } from './open.ts'
import type { DiskUsage, DiskUsageItem, DiskUsageRow } from './types.ts'

/** See `SystemEngine.diskUsage`. */
export async function diskUsage({ containers, images, paths }: SystemRoom): Promise<DiskUsage> {
  const used = await images.usage()
  const listed = await containers.list({ all: true })
  const items: DiskUsageItem[] = []
  let volumeBytes = 0
  for (const container of listed) {
    items.push({ ...describe(container), sizeBytes: await writtenBytes(paths, container.id) })
    volumeBytes += await treeBytes(join(containerDirectory(paths, container.id), 'volumes'))
  }
  return {
    rows: [
      imageRow(used),
      rowOf('Containers', items, (item) => item.users > 0),
      // Anonymous ones belong to their containers and go with them.
      { type: 'Local Volumes', total: 0, active: 0, sizeBytes: volumeBytes, reclaimableBytes: 0 },
      { type: 'Build Cache', total: 0, active: 0, sizeBytes: 0, reclaimableBytes: 0 },
    ],
    items: [...used.map(imageItem), ...items],
  }
}

function imageRow(images: readonly ImageUsage[]): DiskUsageRow {
  return {
    type: 'Images',
    total: images.length,
    active: images.filter(({ containers }) => containers > 0).length,
    sizeBytes: images.reduce((total, { paidBytes }) => total + paidBytes, 0),
    reclaimableBytes: images.reduce((total, { freeableBytes }) => total + freeableBytes, 0),
  }
}

function rowOf(
  type: DiskUsageRow['type'],
  items: readonly DiskUsageItem[],
  isActiveItem: (item: DiskUsageItem) => boolean,
): DiskUsageRow {
  const sum = (chosen: readonly DiskUsageItem[]) => chosen.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
  const idle = items.filter((item) => !isActiveItem(item))
  return {
    type,
    total: items.length,
    active: items.length - idle.length,
    sizeBytes: sum(items),
    reclaimableBytes: sum(idle),
  }
}

function describe({ id, name, state, createdAtMs, command }: ContainerSummary): Omit<DiskUsageItem, 'sizeBytes'> {
  const users = isActive(state) || state === 'restarting' ? 1 : 0
  return { type: 'Containers', id, name, sharedBytes: 0, createdAtMs, users, detail: command }
}

function imageItem({ id, name, sizeBytes, sharedBytes, createdAtMs, containers }: ImageUsage): DiskUsageItem {
  return { type: 'Images', id, name, sizeBytes, sharedBytes, createdAtMs, users: containers, detail: '' }
}
