/** Opens the container room. Nothing heavy is loaded before a method needs it. */
import { ContainerNotFound } from './errors.ts'
import { isActive } from './lifecycle.ts'
import { type ContainerRecord, listRecords, readRecord, recordsOfImage } from './records.ts'
import type { ContainerRoom } from './room.ts'
import type { ContainerEngine, ContainerSummary } from './types.ts'

export function openContainerEngine(room: ContainerRoom): ContainerEngine {
  return {
    run: async (request, io) => (await import('./run.ts')).runContainer(room, request, io),
    list: (options = {}) => listContainers(room, options.all ?? false),
    remove: async (name, options = {}) =>
      (await import('./remove.ts')).removeContainer(room, name, options.force ?? false),
    exited: (id) => recordExit(room, id),
    usersOf: (imageId) =>
      recordsOfImage(room.database, imageId).map(({ id, name, state }) => ({ id, name, running: isActive(state) })),
  }
}

async function listContainers(room: ContainerRoom, all: boolean): Promise<readonly ContainerSummary[]> {
  const { reconcile } = await import('./reconcile.ts')
  const summaries: ContainerSummary[] = []
  for (const record of listRecords(room.database)) {
    const current = await reconcile(room, record)
    if (current !== undefined && (all || (isActive(current.state) && current.state !== 'starting')))
      summaries.push(summaryOf(current))
  }
  return summaries
}

function summaryOf(record: ContainerRecord): ContainerSummary {
  return {
    id: record.id,
    name: record.name,
    imageName: record.imageName,
    command: record.settings.argv.join(' '),
    state: record.state,
    createdAtMs: record.createdAtMs,
    startedAtMs: record.startedAtMs,
    finishedAtMs: record.finishedAtMs,
    exitStatus: record.exitStatus,
    labels: record.settings.config.Labels,
  }
}

async function recordExit(room: ContainerRoom, id: string): Promise<void> {
  const record = readRecord(room.database, id)
  if (record === undefined) throw new ContainerNotFound(id)
  const { readExit } = await import('./reconcile.ts')
  const { finishContainer } = await import('./finish.ts')
  await finishContainer(room, record, readExit(room, record))
}
