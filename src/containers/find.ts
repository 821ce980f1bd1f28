/** A container by what the user typed, as it is now: records whose processes are gone are brought up to date first. */
import type { CgroupControl, ContainerId, IsolationBackend, RunningContainer } from '../plugins/contract.ts'
import { containerDirectories } from './directories.ts'
import { ContainerNotFound, ContainerNotRunning } from './errors.ts'
import { isRootless } from './host.ts'
import { reconcile } from './reconcile.ts'
import { type ContainerRecord, findRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'

/** @throws {ContainerNotFound} @throws {AmbiguousContainer} */
export async function findContainer(room: ContainerRoom, name: string): Promise<ContainerRecord> {
  const record = await reconcile(room, findRecord(room.database, name))
  if (record === undefined) throw new ContainerNotFound(name)
  return record
}

/** Running or paused. @throws {ContainerNotRunning} */
export async function findRunning(room: ContainerRoom, name: string): Promise<ContainerRecord> {
  const record = await findContainer(room, name)
  const { state } = record
  if (record.process === undefined || (state !== 'running' && state !== 'paused' && state !== 'stopping'))
    throw new ContainerNotRunning(record)
  return record
}

export interface OpenedContainer {
  readonly record: ContainerRecord
  readonly backend: IsolationBackend
  readonly container: RunningContainer
}

/** The container as its backend wants it: for exec, stats, update, pause. @throws {ContainerNotRunning} */
export async function openRunning(room: ContainerRoom, name: string): Promise<OpenedContainer> {
  const record = await findRunning(room, name)
  return { record, ...(await openRecord(room, record)) }
}

/** @throws {ContainerNotRunning} */
export async function openRecord(
  room: ContainerRoom,
  record: ContainerRecord,
): Promise<Omit<OpenedContainer, 'record'>> {
  if (record.process === undefined) throw new ContainerNotRunning(record)
  const { readFileSync } = await import('node:fs')
  const { join } = await import('node:path')
  const { data: directory, run: runDirectory } = containerDirectories(room.paths, record.id)
  const spec = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')) as RunningContainer['spec']
  const container: RunningContainer = {
    id: record.id as ContainerId,
    directory,
    runDirectory,
    spec,
    rootless: isRootless(),
    cgroup: lazyCgroup(record.process.pid, spec.linux?.cgroupsPath ?? `/coracle/${record.id}`),
    ...record.process,
  }
  return { backend: await room.openBackend(record.backend), container }
}

/** Looked for when something is first asked of it: a process more needs nothing of it. */
function lazyCgroup(pid: number, path: string): CgroupControl {
  const open = async () => {
    const { openCgroupControl } = await import('../linux/cgroups/control.ts')
    const { hierarchiesOfContainer } = await import('../linux/cgroups/members.ts')
    return openCgroupControl(path, hierarchiesOfContainer(pid, path))
  }
  return {
    usage: async () => (await open()).usage(),
    update: async (resources) => (await open()).update(resources),
    freeze: async () => (await open()).freeze(),
    thaw: async () => (await open()).thaw(),
    destroy: async () => (await open()).destroy(),
  }
}
