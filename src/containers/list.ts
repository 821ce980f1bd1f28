/** `ps`: the records, brought up to date. */
import { isActive } from './lifecycle.ts'
import { reconcile } from './reconcile.ts'
import { type ContainerRecord, listRecords } from './records.ts'
import type { ContainerRoom } from './room.ts'
import type { ContainerSummary, ListOptions } from './types.ts'

export async function listContainers(
  room: ContainerRoom,
  { all = false }: ListOptions,
): Promise<readonly ContainerSummary[]> {
  const summaries: ContainerSummary[] = []
  for (const record of listRecords(room.database)) {
    const current = await reconcile(room, record)
    if (current !== undefined && (all || (isActive(current.state) && current.state !== 'starting')))
      summaries.push(summaryOf(current))
  }
  return summaries
}

export function summaryOf(record: ContainerRecord): ContainerSummary {
  const { config, host, argv } = record.settings
  return {
    id: record.id,
    name: record.name,
    imageName: record.imageName,
    image: record.image,
    backend: record.backend,
    command: argv.join(' '),
    state: record.state,
    createdAtMs: record.createdAtMs,
    startedAtMs: record.startedAtMs,
    finishedAtMs: record.finishedAtMs,
    exitStatus: record.exitStatus,
    health: record.health?.Status,
    labels: config.Labels,
    mounts: host.Mounts.map((mount) => (mount.Type === 'tmpfs' ? mount.Target : mount.Source || mount.Target)),
    networkMode: host.NetworkMode,
    size: undefined,
  }
}
